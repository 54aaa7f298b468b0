"""Where checkpoints are fetched from, and which hosts a download may be led to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from studio.store.catalogue import Base, BaseFile

_HUGGING_FACE_HOSTS = ("huggingface.co", "*.huggingface.co", "*.hf.co")
"""The hub, its content delivery and its chunk storage, as its own ``/.well-known/meta.json`` names them."""


@dataclass(frozen=True)
class Hub:
    """
    Attributes:
        address: scheme, host and perhaps a path; no slash at the end.
        hosts: a download may be led to these and no others; ``*.`` stands for any subdomain.
        listing: the hub announces sizes and hashes in one list (ModelScope), not in the headers of each file.
    """

    name: str
    address: str
    hosts: tuple[str, ...]
    listing: bool = False

    @property
    def host(self) -> str:
        """With its port, as people know it."""
        return urlsplit(self.address).netloc

    def offers(self, base: Base) -> bool:
        return base.on_modelscope is not None if self.listing else True

    def file_url(self, base: Base, file: BaseFile) -> str:
        path = quote(file.path)
        if self.listing:
            return f"{self.address}/models/{base.on_modelscope}/resolve/master/{path}"
        return f"{self.address}/{base.repository}/resolve/main/{path}"

    def listing_url(self, base: Base) -> str:
        return f"{self.address}/api/v1/models/{base.on_modelscope}/repo/files?Revision=master&Recursive=true"

    def allows(self, url: str) -> bool:
        """Whether a request may go there: the hub's own scheme, and one of its hosts (and ports)."""
        there, own = urlsplit(url), urlsplit(self.address)
        try:
            host, port = (there.hostname or "").lower(), there.port
        except ValueError:  # no port that could be one
            return False
        if there.scheme not in ("https", own.scheme) or there.username or there.password:
            return False
        if host == own.hostname:
            return port == own.port
        known = any(
            host.endswith(known[1:]) if known.startswith("*.") else host == known for known in self.hosts
        )
        return known and there.scheme == "https" and port in (None, 443)


def public_hubs() -> Mapping[str, Hub]:
    hubs = (
        Hub("huggingface", "https://huggingface.co", _HUGGING_FACE_HOSTS),
        Hub("hf_mirror", "https://hf-mirror.com", ("*.hf-mirror.com", *_HUGGING_FACE_HOSTS)),
        Hub("modelscope", "https://modelscope.cn", ("modelscope.cn", "*.modelscope.cn"), listing=True),
    )
    return {hub.name: hub for hub in hubs}


def own_hub(address: str) -> Hub:
    """The operator's: laid out as Hugging Face is, trusted as far as its own host."""
    return Hub("own", address.rstrip("/"), ())
