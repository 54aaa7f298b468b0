"""What the start refuses and prepares, without starting anything."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.launch import (
    address,
    is_loopback,
    listen,
    prepare_environment,
    prepare_home,
    read_settings,
    terminal_language,
)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_loopback_needs_no_permission(host: str) -> None:
    assert is_loopback(host)
    assert read_settings({"host": host}).host == host


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "studio.example", "127.0.0.1.evil.example", ""]
)
def test_open_addresses_need_public_demo(host: str) -> None:
    with pytest.raises(StudioError) as refused:
        read_settings({"host": host})
    assert refused.value.code == "host_refused_without_demo"
    assert read_settings({"host": host, "public_demo": True}).public_demo


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("PORT", "seventy", "PORT: "),
        ("PORT", "70000", "PORT: "),
        ("VOXTALE_HOEM", "/tmp", ": VOXTALE_HOEM; "),
        ("VOXTALE_DEVICE", "gpu", "VOXTALE_DEVICE: "),
        ("VOXTALE_PUBLIC_DEMO", "maybe", "VOXTALE_PUBLIC_DEMO: "),
    ],
)
def test_wrong_settings_are_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StudioError) as refused:
        read_settings({})
    assert named in str(refused.value.sentence("en"))


def test_the_command_line_overrides_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOST", "localhost")
    monkeypatch.setenv("PORT", "7000")
    monkeypatch.setenv("VOXTALE_HOME", str(tmp_path))
    assert read_settings({}).port == 7000
    settings = read_settings({"port": 7001, "host": "127.0.0.1"})
    assert (settings.host, settings.port, settings.home) == ("127.0.0.1", 7001, tmp_path)


def test_a_taken_port_is_said() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(StudioError) as refused:
            listen("127.0.0.1", port)
    assert refused.value.code == "port_in_use"
    assert str(port) in refused.value.sentence("en").what


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("no such host", 80)])
def test_an_unusable_address_is_said(host: str, port: int) -> None:
    with pytest.raises(StudioError) as refused:
        listen(host, port)
    assert refused.value.code == "address_unusable"


def test_the_printed_address_can_be_opened() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert address(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
    if socket.has_ipv6:
        with listen("::1", 0) as listener:
            assert address(listener).startswith("http://[::1]:")


def test_home_is_made_and_left_clean(tmp_path: Path) -> None:
    home = tmp_path / "a" / "library"
    prepare_home(home)
    assert list(home.iterdir()) == []


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for home in (tmp_path / "file", tmp_path / "file" / "library"):
        with pytest.raises(StudioError) as refused:
            prepare_home(home)
        assert refused.value.code == "home_unwritable"
        assert str(home) in refused.value.sentence("zh").what


def test_a_home_that_another_user_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "studio.db"
    database.touch()
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != database)
    with pytest.raises(StudioError) as refused:
        prepare_home(tmp_path)
    assert refused.value.code == "home_unwritable"
    assert str(database) in refused.value.sentence("en").what


def test_nothing_calls_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment = {"NO_PROXY": "example.com", "HF_HUB_OFFLINE": "0"}
    monkeypatch.setattr("os.environ", environment)
    prepare_environment(tmp_path)
    assert environment["NO_PROXY"] == "example.com,localhost,127.0.0.1,::1"
    assert environment["no_proxy"] == "localhost,127.0.0.1,::1"
    assert environment["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert environment["HF_HUB_OFFLINE"] == "0", "what the person has set stays"
    assert Path(environment["GRADIO_TEMP_DIR"]).is_relative_to(tmp_path)


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
    ],
)
def test_terminal_language(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], language: str) -> None:
    monkeypatch.setattr("os.environ", variables)
    assert terminal_language() == language
