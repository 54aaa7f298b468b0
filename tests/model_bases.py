"""A catalogue of small checkpoints, and a hub that has them."""

from __future__ import annotations

import hashlib

from studio.store.catalogue import Base, BaseFile, Licence
from tests.fake_hub import FakeHub

MIT = Licence("MIT", "https://example.org/mit")
RAIL = Licence("OpenRAIL", "https://example.org/rail")
CONTENT = {
    "rmvpe": {"ear.bin": bytes(range(256)) * 2_000},
    "gpt-sovits-v2": {
        "config.json": b'{"kind": "voice"}',
        "weights/voice.bin": bytes(range(255, -1, -1)) * 8_000,
    },
}
"""Base -> path -> content. The names are of the real catalogue, where their words are."""

BASES = {
    "rmvpe": Base(
        "rmvpe",
        "conversion",
        "maker/ear",
        MIT,
        10**9,
        True,
        (BaseFile("ear.bin", 512_000, hashlib.sha256(CONTENT["rmvpe"]["ear.bin"]).hexdigest()),),
    ),
    "gpt-sovits-v2": Base(
        "gpt-sovits-v2",
        "speech",
        "maker/voice",
        RAIL,
        2 * 10**9,
        False,
        (
            BaseFile("config.json", 4_000),
            BaseFile("weights/voice.bin", 2_048_000, shapes={"voice": (3,)}),
            BaseFile("extra.json", 4_000, optional=True),
        ),
        needs=("rmvpe",),
    ),
}


def stocked(hub: FakeHub) -> FakeHub:
    for base in BASES.values():
        for path, content in CONTENT[base.id].items():
            hub.put(base.repository, path, content)
    return hub
