"""The jobs that bring public checkpoints into the house: fetched from a hub, or found among people's own files."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from studio.errors import StudioError
from studio.jobs.runner import JobRun
from studio.store.artifacts import Artifacts
from studio.store.catalogue import Base, BaseFile
from studio.store.fetching import Announcement, Fetched, Fetcher, require_room
from studio.store.hubs import Hub
from studio.store.models import ModelStore, remove_empty_folders
from studio.store.recognition import Match, recognise

MAX_REPORTED = 100
"""Files named in the result of a look."""

Wanted = tuple[Base, BaseFile, Announcement]


class Downloading:
    def __init__(self, store: ModelStore, artifacts: Artifacts, hubs: Mapping[str, Hub]) -> None:
        self._store = store
        self._artifacts = artifacts
        self._hubs = hubs

    def download(self, run: JobRun) -> Mapping[str, object]:
        """A base with all that it needs. What is here already is not fetched again."""
        hub = self._hubs.get(str(run.job.payload["mirror"]))
        if hub is None:  # the operator took it out of the settings while the job waited
            raise StudioError("mirror_unknown", 422, known=", ".join(self._hubs))
        with Fetcher(hub, run.check) as fetcher:
            # 1. Ask how large everything is, and whether there is room
            run.stage("ask", 0.0)
            wanted = self._wanted(run, fetcher)
            total = sum(_size(file, told) for _, file, told in wanted) or 1
            self._artifacts.home.joinpath("models").mkdir(parents=True, exist_ok=True)
            here = sum(self._store.part_bytes(base, file) for base, file, _ in wanted)
            require_room(self._artifacts.home, max(0, total - here))
            # 2. Bring it here, one file after the other
            done = 0
            for base, file, told in wanted:

                def progress(bytes_here: int, done: int = done) -> None:
                    run.stage("fetch", min(1.0, (done + bytes_here) / total))

                place = self._store.place(base, file)
                fetched = self._already(place, file, told, run)
                if fetched is None:
                    fetched = fetcher.fetch(base, file, place, told, progress)
                self._store.keep(base, file, fetched, hub.name)
                done += _size(file, told)
        # 3. Look whether it is whole now
        if self._store.installed(run.job.subject_id) is None:
            raise StudioError("download_incomplete", 502)
        return {"base": run.job.subject_id, "bytes": done}

    def look(self, run: JobRun) -> Mapping[str, object]:
        """Take over what people put into ``incoming``."""
        run.stage("look", 0.0)
        folder = self._store.incoming
        folder.mkdir(parents=True, exist_ok=True)
        matches, others = recognise(folder, self._store.bases.values(), lambda path: _sha256(path, run))
        found = []
        for index, match in enumerate(matches):
            run.stage("look", index / len(matches))
            if match.file in self._store.state(match.base.id).missing:
                checked = self._take(match, run)
            else:
                checked = "here"
            name = _called(match.path, folder)
            found.append({"file": name, "base": match.base.id, "path": match.file.path, "checked": checked})
        with contextlib.suppress(OSError):
            remove_empty_folders(folder, folder)
        unknown = [_called(path, folder) for path in others]
        return {"found": found[:MAX_REPORTED], "unknown": unknown[:MAX_REPORTED]}

    def _wanted(self, run: JobRun, fetcher: Fetcher) -> list[Wanted]:
        wanted = []
        for base in self._store.with_needs(run.job.subject_id):
            if not fetcher.hub.offers(base):
                raise StudioError("mirror_lacks_base", 422, hub=fetcher.hub.name)
            for file in sorted(self._store.state(base.id).missing, key=_turn):
                run.check()
                told = fetcher.announced(base, file)
                if told is not None:
                    wanted.append((base, file, told))
        return wanted

    def _already(self, place: Path, file: BaseFile, told: Announcement, run: JobRun) -> Fetched | None:
        """A file that somebody put into its place by hand, if it is the very one."""
        if told.digest is None or not place.is_file() or told.bytes not in (None, place.stat().st_size):
            return None
        sha256 = _sha256(place, run)
        if sha256 != told.digest:
            return None
        return Fetched(place.stat().st_size, sha256, "published" if file.sha256 else "hub")

    def _take(self, match: Match, run: JobRun) -> str:
        sha256 = match.sha256 or _sha256(match.path, run)
        checked = "published" if sha256 == match.file.sha256 else "own"
        place = self._store.place(match.base, match.file)
        place.parent.mkdir(parents=True, exist_ok=True)
        size = match.path.stat().st_size
        try:
            os.replace(match.path, place)
        except OSError:  # another disk is mounted here, perhaps one that only gives
            require_room(place.parent, size)
            self._artifacts.copy(match.path, place)
            with contextlib.suppress(OSError):
                match.path.unlink()
        self._store.keep(match.base, match.file, Fetched(size, sha256, checked), "own")
        return checked


def _turn(file: BaseFile) -> tuple[bool, int]:
    """Large files first, and last of all a pipeline's index: whoever finds that finds the rest."""
    return file.path == "model_index.json", -file.bytes


def _size(file: BaseFile, told: Announcement) -> int:
    return file.bytes if told.bytes is None else told.bytes


def _called(path: Path, folder: Path) -> str:
    """As it can be shown and sent: the names in archives from elsewhere need not be UTF-8."""
    return path.relative_to(folder).as_posix().encode("utf-8", "replace").decode("utf-8")


def _sha256(path: Path, run: JobRun) -> str:
    content = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**22):
            run.check()
            content.update(piece)
    return content.hexdigest()
