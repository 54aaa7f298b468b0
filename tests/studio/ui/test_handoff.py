from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from studio.errors import StudioError
from studio.ui.handoff import ROUTE, Handoff


def client(handoff: Handoff) -> TestClient:
    return TestClient(Starlette(routes=[Route(ROUTE, handoff.serve)]))


def test_a_file_has_one_address_until_it_changes(tmp_path: Path) -> None:
    handoff, path = Handoff(), tmp_path / "take.wav"
    path.write_bytes(b"one")
    address = handoff.address(path, "a b/c.wav")
    assert handoff.address(path, "a b/c.wav") == address
    assert address.endswith("/a%20b%2Fc.wav")
    assert client(handoff).get(f"/{address}").content == b"one"
    path.write_bytes(b"two")
    path.touch()
    import os

    os.utime(path, ns=(1, 1))
    assert handoff.address(path, "a b/c.wav") != address


def test_only_files_handed_out_are_served_and_only_while_they_exist(tmp_path: Path) -> None:
    handoff, path = Handoff(), tmp_path / "take.wav"
    path.write_bytes(b"sound")
    address = "/" + handoff.address(path, "take.wav")
    browser = client(handoff)
    assert browser.get(address).content == b"sound"
    assert browser.get(address, headers={"Range": "bytes=1-2"}).content == b"ou"
    assert browser.get("/handoff/guess/take.wav").status_code == 404
    path.unlink()
    assert browser.get(address).status_code == 404


def test_what_is_made_on_demand_is_made_when_somebody_looks() -> None:
    made = []

    def make() -> bytes:
        made.append(1)
        return b"picture"

    handoff = Handoff()
    address = handoff.made(("story", "s1"), "s1.png", make)
    assert handoff.made(("story", "s1"), "s1.png", make) == address
    assert handoff.made(("story", "s2"), "s2.png", make) != address
    assert not made
    answer = client(handoff).get(f"/{address}")
    assert (answer.content, answer.headers["content-type"], made) == (b"picture", "image/png", [1])


def test_what_cannot_be_made_any_more_is_gone() -> None:
    def deleted() -> bytes:
        raise StudioError("story_unknown", 404)

    handoff = Handoff()
    assert client(handoff).get(f"/{handoff.made('story', 's1.png', deleted)}").status_code == 404


def test_the_oldest_addresses_are_forgotten(tmp_path: Path) -> None:
    handoff, addresses = Handoff(limit=2), []
    for name in "abc":
        path = tmp_path / name
        path.write_bytes(name.encode())
        addresses.append("/" + handoff.address(path, name))
    codes = [client(handoff).get(address).status_code for address in addresses]
    assert codes == [404, 200, 200]
