from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch

from pipelines.speech.voice import Voice


def test_a_voice_survives_its_file(tmp_path: Path) -> None:
    tensors = {
        "speaker": torch.randn(192).half(),
        "flow.out.lora_A": torch.randn(3, 8).T,  # not contiguous
        "prompt": torch.arange(5),
    }
    voice = Voice("starter", tensors, {"base": "0f", "lora_scale": 2.0, "name": "声音", "none": None})
    voice.save(tmp_path / "voice.safetensors")
    back = Voice.load(tmp_path / "voice.safetensors")
    assert (back.engine, back.facts) == (voice.engine, voice.facts)
    assert back.tensors.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(back.tensors[name], tensor) and back.tensors[name].dtype == tensor.dtype


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_known_as_one() -> None:
    with pytest.raises(OSError) as caught:
        Voice("starter", {"a": torch.zeros(3)}, {}).save(Path("/dev/full"))
    assert caught.value.errno == errno.ENOSPC


def test_a_voice_knows_its_weight_and_moves_whole() -> None:
    voice = Voice("starter", {"a": torch.zeros(10).half(), "b": torch.zeros(3)}, {"base": "x"})
    assert voice.nbytes == 32
    moved = voice.to("meta")
    assert {tensor.device.type for tensor in moved.tensors.values()} == {"meta"}
    assert moved.facts == voice.facts and voice.tensors["a"].device.type == "cpu"
