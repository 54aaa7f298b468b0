from __future__ import annotations

import pytest

from studio.errors import StudioError
from studio.serving.device import find_device


@pytest.mark.parametrize(("cards", "wanted"), [(0, "cuda"), (1, "cuda:1")])
def test_a_card_that_is_not_there_is_missed(monkeypatch: pytest.MonkeyPatch, cards: int, wanted: str) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: cards)
    with pytest.raises(StudioError, match="device_missing"):
        find_device(wanted)


def test_it_stays_where_it_was_told() -> None:
    assert find_device("cpu") == "cpu"
