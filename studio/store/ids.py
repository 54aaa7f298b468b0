"""Names of things. The server makes them; whatever comes from outside is checked before it touches a path."""

from __future__ import annotations

import re
import secrets

from studio.errors import StudioError

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 20
"""Random characters, 100 bits: ids double as the only ticket to a speech or a job."""

PREFIXES = {
    "voice": "v",
    "recording": "rec",
    "revision": "rev",
    "consent": "c",
    "speech": "s",
    "story": "st",
    "job": "j",
}

_TAKE_KEY = re.compile(r"[0-9a-f]{64}")


def new_id(kind: str) -> str:
    return f"{PREFIXES[kind]}_" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def check_id(kind: str, value: object) -> str:
    """
    Raises:
        StudioError: ``<kind>_unknown`` (404); a malformed id is simply nobody's.
    """
    if not isinstance(value, str) or not re.fullmatch(rf"{PREFIXES[kind]}_[a-z0-9]{{{_LENGTH}}}", value):
        raise unknown(kind)
    return value


def check_take_key(value: object) -> str:
    if not isinstance(value, str) or not _TAKE_KEY.fullmatch(value):
        raise unknown("take")
    return value


def unknown(kind: str) -> StudioError:
    return StudioError(f"{kind}_unknown", 404)
