"""One file from a hub that drops, stalls, lies and leads astray."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.failure import Cancelled
from studio.errors import StudioError
from studio.store import fetching
from studio.store.catalogue import Base, BaseFile, Licence
from studio.store.fetching import Announcement, Fetched, Fetcher
from studio.store.hubs import Hub, own_hub
from tests import fake_hub
from tests.fake_hub import FakeHub, drop_after, exchanged, redirect, stall_after, status

NAME = "maker/thing/weights/model.bin"
CONTENT = bytes(range(256)) * 8_000
OTHER = CONTENT[::-1]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(fetching, "LONGEST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(fetching, "PULSE_SECONDS", 0.0)
    monkeypatch.setattr(fetching, "RESERVED_BYTES", 0)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.files[NAME] = CONTENT
        yield hub


def base(sha256: str | None = None, bytes: int = len(CONTENT), optional: bool = False) -> Base:
    file = BaseFile("weights/model.bin", bytes, sha256, optional)
    licence = Licence("MIT", "https://example.org/mit")
    return Base("thing", "speech", "maker/thing", licence, 1, True, (file,), on_modelscope="maker/thing")


def get(
    hub: FakeHub,
    folder: Path,
    thing: Base | None = None,
    check: Callable[[], None] = lambda: None,
    progress: Callable[[int], None] = lambda count: None,
    listing: bool = False,
) -> Fetched:
    thing = thing or base()
    there = Hub("list", hub.address, (), listing=True) if listing else own_hub(hub.address)
    with Fetcher(there, check) as fetcher:
        (file,) = thing.files
        told = fetcher.announced(thing, file)
        return fetcher.fetch(thing, file, folder / "model.bin", told, progress)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("announce", "checked"), [("sha256", "hub"), ("git", "hub"), ("etag", "size"), ("nothing", "size")]
)
def test_whole_and_checked(hub: FakeHub, tmp_path: Path, announce: str, checked: str) -> None:
    hub.announce = announce
    told: list[int] = []
    fetched = get(hub, tmp_path, progress=told.append)
    assert fetched == Fetched(len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), checked)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT
    assert left(tmp_path) == ["model.bin"]
    assert told[0] == 0
    assert told == sorted(told)
    assert told[-1] == len(CONTENT)


def test_the_catalogues_hash_stands_above_the_hubs(hub: FakeHub, tmp_path: Path) -> None:
    hub.announce = "nothing"
    known = base(hashlib.sha256(CONTENT).hexdigest())
    assert get(hub, tmp_path, known).checked == "published"
    hub.files[NAME] = OTHER
    with pytest.raises(StudioError, match="download_corrupt"):
        get(hub, tmp_path / "again", known)
    hub.announce = "sha256"
    before = len(hub.requests)
    with pytest.raises(StudioError, match="hub_file_changed"):
        get(hub, tmp_path / "again", known)
    assert [method for method, *_ in hub.requests[before:]] == ["HEAD"]


def test_a_question_is_not_asked_of_the_storage(hub: FakeHub) -> None:
    """Its address is signed for fetching only, and the length of the redirect is not that of the file."""
    hub.storage = "https://storage.example/signed"
    there = Hub("x", hub.address, ("storage.example",))
    thing = base()
    with Fetcher(there, lambda: None) as fetcher:
        told = fetcher.announced(thing, thing.files[0])
        assert (told.bytes, told.digest) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
        hub.announce = "nothing"
        assert fetcher.announced(thing, thing.files[0]) == Announcement(None, None, None)
        hub.storage = "https://elsewhere.example/signed"
        with pytest.raises(StudioError, match="hub_redirect_foreign"):
            fetcher.announced(thing, thing.files[0])


def test_as_modelscope_lists_it(hub: FakeHub, tmp_path: Path) -> None:
    hub.announce = "nothing"
    assert get(hub, tmp_path, listing=True).checked == "hub"
    assert [path for _, path, _ in hub.requests] == [
        "/api/v1/models/maker/thing/repo/files?Revision=master&Recursive=true",
        "/models/maker/thing/resolve/master/weights/model.bin",
    ]


def test_without_a_name_for_the_content_nothing_is_pieced_together(hub: FakeHub, tmp_path: Path) -> None:
    hub.announce = "nothing"
    hub.behaviours[NAME] = [exchanged(hub, NAME, OTHER, drop_after(700_000))]
    get(hub, tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == OTHER
    assert hub.ranges("model.bin") == [None, None]


@pytest.mark.parametrize("announce", ["sha256", "git", "etag"])
def test_goes_on_where_the_connection_broke(hub: FakeHub, tmp_path: Path, announce: str) -> None:
    hub.announce = announce
    hub.behaviours[NAME] = [drop_after(700_000), drop_after(300_000), status(503), drop_after(1)]
    get(hub, tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT
    starts = [int(wanted.split("=")[1][:-1]) for wanted in hub.ranges("model.bin") if wanted]
    assert len(starts) == 4
    assert starts[0] > 0
    assert starts == sorted(starts)


def test_goes_on_in_another_process(hub: FakeHub, tmp_path: Path) -> None:
    hub.behaviours[NAME] = [drop_after(900_000), *[status(500)] * (fetching.MAX_TRIES - 1)]
    with pytest.raises(StudioError, match="hub_busy"):
        get(hub, tmp_path)
    assert left(tmp_path) == ["model.bin.part", "model.bin.part.json"]
    before = len(hub.requests)
    told: list[int] = []
    get(hub, tmp_path, progress=told.append)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT
    (wanted,) = [wanted for method, _, wanted in hub.requests[before:] if method == "GET"]
    assert wanted == f"bytes={told[0]}-"
    assert told[0] > 500_000


def test_a_part_of_something_else_is_no_use(hub: FakeHub, tmp_path: Path) -> None:
    for announce in ("sha256", "etag"):
        hub.announce = announce
        hub.files[NAME] = CONTENT
        hub.behaviours[NAME] = [drop_after(900_000), *[status(500)] * (fetching.MAX_TRIES - 1)]
        with pytest.raises(StudioError, match="hub_busy"):
            get(hub, tmp_path)
        hub.files[NAME] = OTHER
        get(hub, tmp_path)
        assert (tmp_path / "model.bin").read_bytes() == OTHER
    hub.announce = "nothing"  # it may be the same or not: nobody knows
    hub.behaviours[NAME] = [drop_after(900_000), *[status(500)] * (fetching.MAX_TRIES - 1)]
    with pytest.raises(StudioError, match="hub_busy"):
        get(hub, tmp_path)
    before = len(hub.requests)
    get(hub, tmp_path)
    assert [wanted for method, _, wanted in hub.requests[before:] if method == "GET"] == [None]


@pytest.mark.parametrize("lie", [fake_hub.ignoring_range, fake_hub.wrong_range, status(416)])
@pytest.mark.parametrize("announce", ["sha256", "etag"])
def test_servers_that_cannot_resume(
    hub: FakeHub, tmp_path: Path, lie: fake_hub.Behaviour, announce: str
) -> None:
    hub.announce = announce
    hub.behaviours[NAME] = [drop_after(700_000), lie]
    get(hub, tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT
    assert left(tmp_path) == ["model.bin"]


@pytest.mark.parametrize("announce", ["sha256", "git", "etag"])
def test_the_file_is_exchanged_on_the_way(hub: FakeHub, tmp_path: Path, announce: str) -> None:
    hub.announce = announce
    hub.behaviours[NAME] = [exchanged(hub, NAME, OTHER, drop_after(700_000))]
    get(hub, tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == OTHER


def test_one_damaged_byte_is_found_and_fetched_again(hub: FakeHub, tmp_path: Path) -> None:
    hub.behaviours[NAME] = [fake_hub.corrupted]
    get(hub, tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT
    hub.behaviours[NAME] = [fake_hub.corrupted] * 2
    with pytest.raises(StudioError, match="download_corrupt"):
        get(hub, tmp_path / "again")
    assert left(tmp_path / "again") == []


def test_a_part_damaged_on_the_disk_is_found(hub: FakeHub, tmp_path: Path) -> None:
    hub.behaviours[NAME] = [drop_after(900_000), *[status(500)] * (fetching.MAX_TRIES - 1)]
    with pytest.raises(StudioError):
        get(hub, tmp_path)
    with (tmp_path / "model.bin.part").open("r+b") as part:
        part.write(b"zeros after a power cut")
    get(hub, tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT


def test_no_more_is_taken_than_was_announced(hub: FakeHub, tmp_path: Path) -> None:
    hub.behaviours[NAME] = [fake_hub.longer]
    get(hub, tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(("behaviour", "kind"), [(fake_hub.sign_in, "text/html"), (fake_hub.packed, "gzip")])
def test_what_comes_in_place_of_the_file_is_not_kept(
    hub: FakeHub, tmp_path: Path, behaviour: fake_hub.Behaviour, kind: str
) -> None:
    hub.announce = "nothing"
    hub.behaviours[NAME] = [behaviour]
    with pytest.raises(StudioError, match="hub_something_else") as caught:
        get(hub, tmp_path)
    for language in ("en", "zh"):
        assert kind in str(caught.value.sentence(language))
    assert get(hub, tmp_path).bytes == len(CONTENT)


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (status(404), "hub_file_missing"),
        (status(401), "hub_refused"),
        (status(403), "hub_refused"),
        (status(429, Retry_After="0"), "hub_busy"),
        (status(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"), "hub_busy"),
        (status(503, Retry_After="3600"), "hub_busy"),
        (drop_after(0), "hub_unreachable"),
        (redirect("https://evil.example/model.bin"), "hub_redirect_foreign"),
        (redirect("http://127.0.0.1:1/model.bin"), "hub_redirect_foreign"),
        (redirect("file:///etc/passwd"), "hub_redirect_foreign"),
        (redirect("http://user:word@127.0.0.1/"), "hub_redirect_foreign"),
        (redirect("http://[half"), "hub_redirect_foreign"),
        (redirect("/maker/thing/resolve/main/weights/model.bin"), "hub_redirect_foreign"),
    ],
)
def test_what_does_not_pass_is_said(
    hub: FakeHub, tmp_path: Path, behaviour: fake_hub.Behaviour, code: str
) -> None:
    hub.behaviours[NAME] = [behaviour] * 20
    with pytest.raises(StudioError) as caught:
        get(hub, tmp_path)
    assert caught.value.code == code
    for language in ("en", "zh"):
        assert hub.address.partition("://")[2] in str(caught.value.sentence(language))
    assert not (tmp_path / "model.bin").exists()


def test_a_redirect_within_the_hub_is_followed(hub: FakeHub, tmp_path: Path) -> None:
    hub.files["maker/thing/cache/1"] = CONTENT
    hub.behaviours[NAME] = [redirect("/maker/thing/cache/1")]
    get(hub, tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT


def test_nobody_there(tmp_path: Path) -> None:
    with FakeHub() as gone:
        pass
    with pytest.raises(StudioError, match="hub_unreachable") as caught:
        get(gone, tmp_path)
    assert "ConnectError" in caught.value.facts["reason"]
    assert caught.value.facts["tries"] == fetching.MAX_ASKS


def test_silence_is_a_broken_connection(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "READ_SECONDS", 1.0)
    hub.behaviours[NAME] = [stall_after(800_000, 30.0)]
    get(hub, tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT
    assert 500_000 < int(hub.ranges("model.bin")[1][6:-1]) <= 800_000


def test_missing_sizes_and_hashes(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del hub.files[NAME]
    with pytest.raises(StudioError, match="hub_file_missing"):
        get(hub, tmp_path)
    with Fetcher(own_hub(hub.address), lambda: None) as fetcher:
        thing = base(optional=True)
        assert fetcher.announced(thing, thing.files[0]) is None
    hub.files[NAME] = CONTENT
    hub.announce = "etag"
    with pytest.raises(StudioError, match="hub_unverifiable"):
        get(hub, tmp_path, base(bytes=100 * 2**20))
    monstrous = base(bytes=1_000)
    monkeypatch.setattr(fetching, "_SMALL_SURPLUS_BYTES", 500)
    with pytest.raises(StudioError, match="hub_file_larger"):
        get(hub, tmp_path, monstrous)


def test_an_endless_file_ends(hub: FakeHub, tmp_path: Path) -> None:
    hub.announce = "nothing"
    hub.behaviours[NAME] = [fake_hub.endless]
    with pytest.raises(StudioError, match="hub_file_larger"):
        get(hub, tmp_path)


def test_cancel_stops_within_a_piece_and_keeps_the_part(hub: FakeHub, tmp_path: Path) -> None:
    hub.behaviours[NAME] = [fake_hub.paused(0.5, threading.Event())]
    stop = threading.Event()

    def check() -> None:
        if stop.is_set():
            raise Cancelled

    with pytest.raises(Cancelled):
        get(hub, tmp_path, check=check, progress=lambda count: stop.set() if count else None)
    assert left(tmp_path) == ["model.bin.part", "model.bin.part.json"]
    assert (tmp_path / "model.bin.part").stat().st_size < len(CONTENT)
    stop.clear()
    get(hub, tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT


def test_cancel_interrupts_the_waiting(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "FIRST_PAUSE_SECONDS", 600.0)
    monkeypatch.setattr(fetching, "LONGEST_PAUSE_SECONDS", 600.0)
    hub.behaviours[NAME] = [status(503)] * 9
    began = time.monotonic()

    def check() -> None:
        if time.monotonic() - began > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        get(hub, tmp_path, check=check)
    assert time.monotonic() - began < 200


def test_the_disk_runs_full(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = [10**12]
    usage = type("Usage", (), {"free": property(lambda self: room[0])})()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    monkeypatch.setattr(fetching, "LOOK_AT_DISK_BYTES", 2**18)
    with pytest.raises(StudioError, match="download_no_room") as caught:
        get(hub, tmp_path, progress=lambda count: room.__setitem__(0, 1000) if count > 600_000 else None)
    assert caught.value.status == 507
    assert (tmp_path / "model.bin.part").stat().st_size >= 600_000
    room[0] = 10**12
    get(hub, tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_the_system_says_that_the_disk_is_full(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else took the room between looking and writing."""
    opened = Path.open

    def full(path: Path, mode: str = "r", *arguments: object, **options: object):
        return (
            opened(Path("/dev/full"), "wb", buffering=0)
            if path.suffix == ".part"
            else opened(path, mode, *arguments, **options)
        )

    monkeypatch.setattr(Path, "open", full)
    monkeypatch.setattr(fetching._Part, "known", lambda part: iter(()))
    with pytest.raises(StudioError, match="download_no_room"):
        get(hub, tmp_path)


def test_a_proxy_that_cannot_be_used(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks9://127.0.0.1:1")
    with pytest.raises(StudioError, match="hub_proxy_unusable"):
        get(hub, tmp_path)


def test_a_proxy_of_the_environment_is_used(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub plays the proxy: a request for another host arrives there, with its whole address."""
    monkeypatch.setenv("HTTP_PROXY", hub.address)
    monkeypatch.setenv("NO_PROXY", "")
    thing = base()
    with (
        Fetcher(own_hub("http://hub.example"), lambda: None) as fetcher,
        pytest.raises(StudioError, match="hub_file_missing"),
    ):
        fetcher.announced(thing, thing.files[0])
    assert hub.requests[0][1] == "http://hub.example/maker/thing/resolve/main/weights/model.bin"
