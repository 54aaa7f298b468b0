from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pipelines.audio.recording import Recording
from pipelines.speech.known_readers import NEAREST, KnownReaders
from pipelines.speech.starter import READERS, TOWARDS_READERS, StarterEngine


def test_the_nearest_are_those_that_point_the_same_way() -> None:
    few, many = torch.eye(4)[:1].expand(NEAREST, 4) * 3.0, torch.eye(4)[1:2].expand(50, 4)
    readers = KnownReaders(torch.cat([many, few]), "base")
    assert torch.equal(readers.near(torch.tensor([0.1, 0.0, 0.0, 0.0])), few[0])


def test_fewer_readers_than_it_asks_for_are_enough() -> None:
    readers = KnownReaders(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), "base")
    assert torch.equal(readers.near(torch.ones(2)), torch.tensor([0.5, 0.5]))


def test_they_come_back_from_a_file(tmp_path: Path) -> None:
    readers = KnownReaders(torch.randn(5, 7).half().float(), "base")
    readers.save(tmp_path / "readers.safetensors")
    back = KnownReaders.load(tmp_path / "readers.safetensors", "cpu")
    assert torch.equal(back.vectors, readers.vectors) and back.base == "base"


def test_those_that_ship_belong_to_the_base_that_ships(starter: StarterEngine) -> None:
    shipped = KnownReaders.load(READERS, "cpu")
    assert shipped.base == starter.base
    assert (
        shipped.vectors.shape[0] > 100
        and shipped.vectors.shape[1] == starter.acoustic.config.speaker_channels
    )


@pytest.mark.slow
def test_an_instant_voice_is_the_person_moved_towards_them(
    starter: StarterEngine, clips: dict[str, Recording]
) -> None:
    heard = starter.speaker_of(list(clips.values()))
    voice = starter.prepare(list(clips.values())).tensors["speaker"].float()
    way = (voice - heard).norm() / (starter.readers.near(heard) - heard).norm()
    assert float(way) == pytest.approx(TOWARDS_READERS, abs=0.01)
