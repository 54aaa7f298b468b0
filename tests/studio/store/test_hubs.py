from __future__ import annotations

import pytest

from studio.store.catalogue import BASES
from studio.store.hubs import own_hub, public_hubs

HUBS = public_hubs()


@pytest.mark.parametrize(
    ("hub", "url", "allowed"),
    [
        ("huggingface", "https://huggingface.co/api/resolve-cache/x", True),
        ("huggingface", "https://cdn-lfs-us-1.hf.co/repos/x?X-Amz=1", True),
        ("huggingface", "https://cdn-lfs.huggingface.co/x", True),
        ("huggingface", "https://us.aws.cdn.hf.co/x", True),
        ("huggingface", "https://cas-bridge.xethub.hf.co/x", True),
        ("huggingface", "http://huggingface.co/x", False),
        ("huggingface", "https://huggingface.co:8443/x", False),
        ("huggingface", "https://cdn-lfs.hf.co:444/x", False),
        ("huggingface", "https://huggingface.co.evil.example/x", False),
        ("huggingface", "https://evilhf.co/x", False),
        ("huggingface", "https://hf.co.evil.example/x", False),
        ("huggingface", "https://huggingface.co@evil.example/x", False),
        ("huggingface", "https://user:word@huggingface.co/x", False),
        ("huggingface", "https://169.254.169.254/latest/meta-data", False),
        ("huggingface", "https://hf-mirror.com/x", False),
        ("huggingface", "https://huggingface.co:port/x", False),
        ("huggingface", "file:///etc/passwd", False),
        ("huggingface", "", False),
        ("hf_mirror", "https://hf-mirror.com/x", True),
        ("hf_mirror", "https://cdn-lfs.hf-mirror.com/x", True),
        ("hf_mirror", "https://cas-bridge.xethub.hf.co/x", True),
        ("hf_mirror", "https://modelscope.cn/x", False),
        ("modelscope", "https://www.modelscope.cn/x", True),
        ("modelscope", "https://cdn-lfs-cn-1.modelscope.cn/x", True),
        ("modelscope", "https://huggingface.co/x", False),
    ],
)
def test_a_download_stays_with_its_hub(hub: str, url: str, allowed: bool) -> None:
    assert HUBS[hub].allows(url) is allowed


def test_a_hub_of_ones_own_is_its_host_alone() -> None:
    hub = own_hub("http://models.school:8080/mirror/")
    assert hub.allows("http://models.school:8080/elsewhere")
    assert hub.allows("https://models.school:8080/elsewhere")
    assert not hub.allows("http://models.school/elsewhere")
    assert not hub.allows("http://127.0.0.1:8080/")
    assert not hub.allows("https://huggingface.co/x")
    assert not own_hub("https://models.school").allows("http://models.school/")


@pytest.mark.parametrize("hub", HUBS.values(), ids=lambda hub: hub.name)
def test_every_address_of_the_catalogue_is_the_hubs_own(hub) -> None:
    for base in filter(hub.offers, BASES.values()):
        for file in base.files:
            url = hub.file_url(base, file)
            assert hub.allows(url)
            assert " " not in url and "=" not in url.partition("?")[0]
        assert hub.allows(hub.listing_url(base))
