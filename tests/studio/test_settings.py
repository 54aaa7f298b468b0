from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from studio.settings import Settings


def test_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "0.0.0.0")
    monkeypatch.setenv("PORT", "8001")
    monkeypatch.setenv("VOXTALE_HOME", "/somewhere")
    settings = Settings()
    assert (settings.host, settings.port, settings.home) == ("0.0.0.0", 8001, Path("/somewhere"))


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8001")
    assert Settings(port=9000).port == 9000


def test_defaults_stay_at_home() -> None:
    assert Settings().host == "127.0.0.1"
    assert not Settings().public_demo


def test_unknown_names_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError):
        Settings(hme="x")
    monkeypatch.setenv("VOXTALE_HOM", "x")
    with pytest.raises(ValidationError, match="VOXTALE_HOM"):
        Settings()


def test_an_empty_name_is_as_good_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "PORT", "VOXTALE_HOME", "VOXTALE_DEVICE", "VOXTALE_TRUSTED_PROXIES"):
        monkeypatch.setenv(name, "")
    settings = Settings()
    assert (settings.host, settings.port, settings.home) == ("127.0.0.1", 7860, Path("library"))
    assert (settings.device, settings.trusted_proxies) == (None, "127.0.0.1")


@pytest.mark.parametrize(
    ("device", "taken"), [("cpu", True), ("cuda:1", True), ("gpu", False), ("CUDA", False)]
)
def test_a_device_is_one_that_the_studio_knows(
    monkeypatch: pytest.MonkeyPatch, device: str, taken: bool
) -> None:
    monkeypatch.setenv("VOXTALE_DEVICE", device)
    if taken:
        assert Settings().device == device
    else:
        with pytest.raises(ValidationError):
            Settings()


def test_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("https://models.school", True),
        ("http://10.0.0.7:8080/mirror/", True),
        ("ftp://models.school", False),
        ("models.school", False),
        ("https://user:word@models.school", False),
        ("https://models.school/?token=1", False),
        ("https://", False),
        ("https://models.school /x", False),
    ],
)
def test_a_hub_of_ones_own(monkeypatch: pytest.MonkeyPatch, address: str, taken: bool) -> None:
    monkeypatch.setenv("VOXTALE_MODELS_URL", address)
    if taken:
        assert Settings().models_url == address
    else:
        with pytest.raises(ValidationError):
            Settings()


@pytest.mark.parametrize(
    ("proxies", "taken"),
    [
        ("127.0.0.1", True),
        ("172.17.0.1, 10.0.0.0/8,::1", True),
        ("*", False),
        ("10.0.0.1/8", False),
        ("proxy.example", False),
    ],
)
def test_trusted_proxies(monkeypatch: pytest.MonkeyPatch, proxies: str, taken: bool) -> None:
    monkeypatch.setenv("VOXTALE_TRUSTED_PROXIES", proxies)
    if taken:
        assert Settings().trusted_proxies == proxies
    else:
        with pytest.raises(ValidationError):
            Settings()
