from __future__ import annotations

import pytest
import torch

from models.listener.network import Listener, ListenerConfig
from models.starter.mel import MEL_BANDS


@pytest.fixture(scope="module")
def listener() -> Listener:
    torch.manual_seed(0)
    return Listener(ListenerConfig(classes=10, channels=16, blocks=3)).eval()


def test_two_answers_for_every_frame(listener: Listener) -> None:
    with torch.no_grad():
        framewise, ctc = listener(torch.randn(2, 25, MEL_BANDS))
    for answer in (framewise, ctc):
        assert answer.shape == (2, 25, 10)
        torch.testing.assert_close(answer.exp().sum(-1), torch.ones(2, 25))
    assert not torch.allclose(framewise, ctc)


def test_padding_is_not_heard(listener: Listener) -> None:
    mel = torch.randn(1, 25, MEL_BANDS)
    mask = torch.cat([torch.ones(1, 25, 1), torch.zeros(1, 60, 1)], dim=1)
    with torch.no_grad():
        alone = listener(mel)[0]
        together = listener(torch.cat([mel, torch.full((1, 60, MEL_BANDS), 7.0)], dim=1), mask)[0]
    torch.testing.assert_close(together[:, :25], alone, atol=1e-4, rtol=1e-3)


def test_a_microphone_is_taken_away(listener: Listener) -> None:
    mel, microphone = torch.randn(1, 25, MEL_BANDS), torch.linspace(-1, 1, MEL_BANDS)
    with torch.no_grad():
        torch.testing.assert_close(listener(mel + microphone)[0], listener(mel)[0], atol=1e-4, rtol=1e-3)


def test_the_high_bands_are_not_heard(listener: Listener) -> None:
    mel = torch.randn(1, 25, MEL_BANDS)
    telephone = mel.clone()
    telephone[..., listener.config.bands :] = -2.6
    with torch.no_grad():
        assert torch.equal(listener(telephone)[0], listener(mel)[0])
