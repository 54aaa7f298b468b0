"""Public checkpoints brought into the house, by the services as people use them."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from studio.container import Container
from studio.errors import StudioError
from studio.jobs.job import Job
from studio.settings import Settings
from studio.store import fetching
from tests.fake_hub import FakeHub, corrupted, drop_after, paused, status
from tests.fakes import Held, fake_engines
from tests.model_bases import BASES, CONTENT, stocked
from tests.waiting import until

LICENCES = ("MIT", "OpenRAIL")
WEIGHTS = "maker/voice/weights/voice.bin"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(fetching, "LONGEST_PAUSE_SECONDS", 0.02)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        yield stocked(hub)


@pytest.fixture
def settings(tmp_path: Path, hub: FakeHub) -> Settings:
    return Settings(home=tmp_path / "library", device="cpu", port=0, models_url=hub.address)


@pytest.fixture
def container(settings: Settings) -> Iterator[Container]:
    with Container(settings, fake_engines(), bases=BASES) as container:
        yield container


def download(container: Container, base: str = "gpt-sovits-v2") -> Job:
    return container.models.download(base, "own", LICENCES)


def finished(container: Container, job: Job) -> Job:
    return container.jobs.wait(job.id, 100)


def test_a_base_comes_with_what_it_needs(container: Container, settings: Settings) -> None:
    view = container.models.get("gpt-sovits-v2")
    assert [licence.name for licence in view.licences] == ["OpenRAIL", "MIT"]
    assert not view.ready
    job = finished(container, download(container))
    assert (job.state, job.result["base"], job.progress) == ("done", "gpt-sovits-v2", 1.0)
    for base, files in CONTENT.items():
        for path, content in files.items():
            assert (settings.home / "models" / base / path).read_bytes() == content
    view = container.models.get("gpt-sovits-v2")
    assert view.ready
    assert not view.needs_restart
    assert (view.job, view.licences, view.bytes_missing) == (None, (), 0)
    assert view.state.checks == {"hub": 2}
    assert view.needs[0].checks == {"published": 1}
    assert view.state.agreed_at and view.needs[0].agreed_at
    assert container.models.store.installed("gpt-sovits-v2") == settings.home / "models" / "gpt-sovits-v2"


def test_what_is_here_is_not_fetched_again(container: Container, hub: FakeHub) -> None:
    finished(container, download(container, "rmvpe"))
    before = len(hub.requests)
    finished(container, download(container))
    assert not any("ear.bin" in path for _, path, _ in hub.requests[before:])
    before = len(hub.requests)
    assert finished(container, download(container)).state == "done"
    assert [path for _, path, _ in hub.requests[before:] if not path.endswith("extra.json")] == []


@pytest.mark.parametrize(("engine", "needs_restart"), [("fake", False), ("another", True), (None, False)])
def test_an_engine_that_the_studio_was_not_started_with(
    settings: Settings, engine: str | None, needs_restart: bool
) -> None:
    bases = {**BASES, "rmvpe": replace(BASES["rmvpe"], engine=engine)}
    with Container(settings, fake_engines(), bases=bases) as container:
        assert not container.models.get("rmvpe").needs_restart
        finished(container, download(container, "rmvpe"))
        assert container.models.get("rmvpe").needs_restart == needs_restart


def test_a_file_put_into_its_place_by_hand_counts_if_it_is_the_one(
    container: Container, hub: FakeHub, settings: Settings
) -> None:
    folder = settings.home / "models" / "gpt-sovits-v2"
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / "voice.bin").write_bytes(CONTENT["gpt-sovits-v2"]["weights/voice.bin"])
    (folder / "config.json").write_bytes(b'{"kind": "other"}')
    assert not container.models.get("gpt-sovits-v2").state.installed
    assert finished(container, download(container)).state == "done"
    assert hub.ranges("voice.bin") == []
    assert (folder / "config.json").read_bytes() == CONTENT["gpt-sovits-v2"]["config.json"]
    assert container.models.get("gpt-sovits-v2").state.checks == {"hub": 2}


def test_two_tabs_get_one_download(container: Container, hub: FakeHub) -> None:
    everyone_asked = threading.Event()
    hub.behaviours[WEIGHTS] = [paused(0.5, everyone_asked)]
    jobs: list[Job] = []
    tabs = [threading.Thread(target=lambda: jobs.append(download(container))) for _ in range(8)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    everyone_asked.set()
    assert len({job.id for job in jobs}) == 1
    assert finished(container, jobs[0]).state == "done"
    assert len(hub.ranges("voice.bin")) == 1


def test_its_progress_and_the_time_it_takes(
    container: Container, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.jobs.pace.MIN_SECONDS", 0.2)
    told, began = threading.Event(), time.monotonic()
    hub.behaviours[WEIGHTS] = [paused(0.5, told)]
    job, seen = download(container), []
    while (now := container.jobs.get(job.id)).active:
        seen.append(now)
        if now.progress > 0.5 and now.seconds_left is not None:
            told.set()
        time.sleep(0.02)
    assert now.state == "done"
    progress = [now.progress for now in seen]
    assert progress == sorted(progress)
    assert any(0.5 < value < 0.9 for value in progress)
    assert "fetch" in {now.stage for now in seen}
    (left, *_) = (now.seconds_left for now in seen if now.progress > 0.5 and now.seconds_left is not None)
    assert 0 <= left < time.monotonic() - began, "what is left is less than what is here"


def test_cancelled_it_keeps_what_came_and_goes_on_later(container: Container, hub: FakeHub) -> None:
    hub.behaviours[WEIGHTS] = [paused(0.5, threading.Event())]
    job = download(container)
    until(lambda: container.jobs.get(job.id).progress > 0.4)
    container.jobs.cancel(job.id)
    assert finished(container, job).state == "cancelled"
    view = container.models.get("gpt-sovits-v2")
    assert not view.ready
    assert view.job is None
    assert 0 < view.bytes_missing < view.base.bytes
    assert finished(container, download(container)).state == "done"
    assert hub.ranges("voice.bin")[-1].startswith("bytes=")


def test_closing_the_studio_puts_it_back_and_the_next_start_goes_on(
    container: Container, hub: FakeHub, settings: Settings
) -> None:
    hub.behaviours[WEIGHTS] = [paused(0.5, threading.Event())]
    job = download(container)
    until(lambda: container.jobs.get(job.id).progress > 0.4)
    container.close()
    with Container(settings, fake_engines(), bases=BASES) as restarted:
        assert finished(restarted, job).state == "done"
        assert int(hub.ranges("voice.bin")[-1][6:-1]) > 100_000
        assert restarted.models.get("gpt-sovits-v2").ready


def test_a_failure_is_said_and_the_next_try_goes_on(container: Container, hub: FakeHub) -> None:
    hub.behaviours[WEIGHTS] = [drop_after(900_000), *[status(503)] * (fetching.MAX_TRIES - 1)]
    job = finished(container, download(container))
    assert (job.state, job.error.code) == ("failed", "hub_busy")
    view = container.models.get("gpt-sovits-v2")
    assert view.job.error.code == "hub_busy"
    assert view.state.bytes_here > 500_000
    assert finished(container, download(container)).state == "done"
    assert container.models.get("gpt-sovits-v2").job is None


def test_a_damaged_file_never_counts(container: Container, hub: FakeHub) -> None:
    hub.behaviours[WEIGHTS] = [corrupted, corrupted]
    job = finished(container, download(container))
    assert (job.state, job.error.code) == ("failed", "download_corrupt")
    assert not container.models.get("gpt-sovits-v2").state.installed
    assert container.models.store.installed("gpt-sovits-v2") is None


def test_the_disk_is_looked_at_before_anything_comes(
    container: Container, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 600 * 2**20})()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    monkeypatch.setattr(fetching, "RESERVED_BYTES", 599 * 2**20)
    job = finished(container, download(container))
    assert (job.state, job.error.code) == ("failed", "download_no_room")
    assert [method for method, *_ in hub.requests if method == "GET"] == []


def test_downloads_hold_up_nobody_and_are_bounded(
    container: Container, hub: FakeHub, settings: Settings
) -> None:
    hub.behaviours[WEIGHTS] = [paused(0.5, threading.Event())]
    job = download(container)
    until(lambda: container.jobs.get(job.id).state == "running")
    look = container.models.look()
    assert container.models.look().id == look.id
    with pytest.raises(StudioError, match="busy"):
        for _ in range(settings.max_queued_downloads):
            container.jobs.enqueue("download", "look", "x", {})
    container.jobs.cancel(job.id)
    assert finished(container, look).state == "done"


@pytest.mark.parametrize(
    ("base", "mirror", "licences", "code"),
    [
        ("nobody", "own", LICENCES, "model_not_listed"),
        ("../voices", "own", LICENCES, "model_not_listed"),
        ("gpt-sovits-v2", "http://evil.example", LICENCES, "mirror_unknown"),
        ("gpt-sovits-v2", "modelscope", LICENCES, "mirror_lacks_base"),
        ("gpt-sovits-v2", "own", ("MIT",), "licence_not_agreed"),
        ("gpt-sovits-v2", "own", (), "licence_not_agreed"),
    ],
)
def test_what_is_refused(
    container: Container, hub: FakeHub, base: str, mirror: str, licences: tuple[str, ...], code: str
) -> None:
    with pytest.raises(StudioError, match=code):
        container.models.download(base, mirror, licences)
    assert hub.requests == []
    assert container.jobs.list() == []


def test_a_public_demo_has_none_of_it(settings: Settings) -> None:
    demo = settings.model_copy(update={"public_demo": True})
    with Container(demo, fake_engines(), bases=BASES) as container:
        models = container.models
        for ask in (models.list, models.look, lambda: models.get("rmvpe"), lambda: models.delete("rmvpe")):
            with pytest.raises(StudioError, match="demo_without_downloads"):
                ask()
        with pytest.raises(StudioError, match="demo_without_downloads"):
            models.download("rmvpe", "own", LICENCES)


def test_what_a_download_needs_stays(container: Container, hold: Callable[[str, str], Held]) -> None:
    held = hold("download", "ask")
    job = download(container)
    assert held.arrived()
    with pytest.raises(StudioError, match="base_needed"):
        container.models.delete("rmvpe")
    held.let_go()
    assert finished(container, job).state == "done"


def test_deleting_stops_the_download_first(container: Container, hub: FakeHub, settings: Settings) -> None:
    hub.behaviours[WEIGHTS] = [paused(0.5, threading.Event())]
    job = download(container)
    until(lambda: container.jobs.get(job.id).progress > 0.3)
    with pytest.raises(StudioError, match="base_needed"):
        container.models.delete("rmvpe")
    container.models.delete("gpt-sovits-v2")
    assert finished(container, job).state == "cancelled"
    assert not (settings.home / "models" / "gpt-sovits-v2").exists()
    container.models.delete("rmvpe")
    assert not container.models.get("rmvpe").state.installed


def test_the_operators_hub_is_gone_after_a_restart(
    container: Container, hub: FakeHub, settings: Settings
) -> None:
    hub.behaviours[WEIGHTS] = [paused(0.5, threading.Event())]
    job = download(container)
    until(lambda: container.jobs.get(job.id).state == "running")
    container.close()
    with Container(
        settings.model_copy(update={"models_url": None}), fake_engines(), bases=BASES
    ) as restarted:
        ended = finished(restarted, job)
        assert (ended.state, ended.error.code) == ("failed", "mirror_unknown")


def test_files_of_ones_own(container: Container, settings: Settings, hub: FakeHub) -> None:
    assert container.models.last_look() is None
    folder = container.models.store.incoming
    assert folder == settings.home / "models" / "incoming"
    job = finished(container, container.models.look())
    assert (job.state, job.result) == ("done", {"found": [], "unknown": []})
    assert folder.is_dir()
    (folder / "old disk" / "weights").mkdir(parents=True)
    (folder / "old disk" / "pitch.model").write_bytes(CONTENT["rmvpe"]["ear.bin"])
    save_file({"voice": torch.zeros(3)}, folder / "old disk" / "weights" / "voice.bin")
    (folder / "old disk" / "config.json").write_bytes(b"{}")
    (folder / "readme.txt").write_text("?")
    job = finished(container, container.models.look())
    found = {item["file"]: (item["base"], item["path"], item["checked"]) for item in job.result["found"]}
    assert found == {
        "old disk/pitch.model": ("rmvpe", "ear.bin", "published"),
        "old disk/weights/voice.bin": ("gpt-sovits-v2", "weights/voice.bin", "own"),
        "old disk/config.json": ("gpt-sovits-v2", "config.json", "own"),
    }
    assert job.result["unknown"] == ["readme.txt"]
    assert sorted(path.name for path in folder.iterdir()) == ["readme.txt"]
    view = container.models.get("gpt-sovits-v2")
    assert view.ready
    assert view.state.agreed_at is None
    assert view.state.checks == {"own": 2}
    assert (settings.home / "models" / "rmvpe" / "ear.bin").read_bytes() == CONTENT["rmvpe"]["ear.bin"]
    (folder / "pitch again").write_bytes(CONTENT["rmvpe"]["ear.bin"])
    job = finished(container, container.models.look())
    assert [item["checked"] for item in job.result["found"]] == ["here"]
    assert (folder / "pitch again").exists(), "what is not needed is left to its owner"
    assert container.models.last_look().id == job.id
    assert hub.requests == []


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="file names are Unicode here")
def test_a_name_that_is_no_utf_8_can_be_shown(container: Container) -> None:
    folder = container.models.store.incoming
    folder.mkdir(parents=True)
    Path(os.fsdecode(os.path.join(os.fsencode(folder), "模型.bin".encode("gbk")))).write_bytes(b"?")
    (name,) = finished(container, container.models.look()).result["unknown"]
    assert name.encode("utf-8").endswith(b".bin")


def test_files_on_a_disk_that_only_gives(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = container.models.store.incoming
    (folder / "empty").mkdir(parents=True)
    path = folder / "pitch.model"
    path.write_bytes(CONTENT["rmvpe"]["ear.bin"])

    def unless_here(change: Callable) -> Callable:
        def changed(one: Path, *others: object, **options: object) -> object:
            if folder in Path(one).parents:
                raise OSError(errno.EROFS, "Read-only file system")
            return change(one, *others, **options)

        return changed

    monkeypatch.setattr(os, "replace", unless_here(os.replace))
    for name in ("unlink", "rmdir"):
        monkeypatch.setattr(Path, name, unless_here(getattr(Path, name)))
    job = finished(container, container.models.look())
    assert (job.state, [item["checked"] for item in job.result["found"]]) == ("done", ["published"])
    assert container.models.get("rmvpe").ready
    assert path.exists()
