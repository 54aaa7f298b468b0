"""Files that are whole or not there at all.

Layout under ``home``::

    voices/<voice>/recordings/<recording>.{original,wav,clean.wav}
    voices/<voice>/revisions/<revision>.safetensors
    voices/<voice>/weights.safetensors        what an imported voice came with
    voices/<voice>/voice.json                 what its files said of it
    takes/<first two of key>/<key>.wav
    exports/<first two of key>/<key>.<format>
    stories/<story>/recording                 as it came in
    stories/<story>/pictures/<key>.png
    stories/<story>/sounds/<scene>.wav        the narration of a book that was opened
    jobs/<job>/                               checkpoints of a running training
    studio.reserve                            room that is given up when the disk is full

Every name is made by the server. A file counts only when the database knows it; ``sweep`` removes the others.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from studio.errors import StudioError, is_disk_full

TEMPORARY = ".tmp"
RESERVE_BYTES = 512 * 1024
"""What the database needs at most to write down that there was no room."""
_FOLDERS = ("voices", "takes", "exports", "stories", "jobs")


class Artifacts:
    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self._reserve = self.home / "studio.reserve"

    def voice(self, voice_id: str) -> Path:
        return self.home / "voices" / voice_id

    def recording(self, voice_id: str, recording_id: str, variant: str) -> Path:
        """``variant``: ``original``, ``wav`` or ``clean.wav``."""
        return self.voice(voice_id) / "recordings" / f"{recording_id}.{variant}"

    def revision(self, voice_id: str, revision_id: str) -> Path:
        return self.voice(voice_id) / "revisions" / f"{revision_id}.safetensors"

    def weights(self, voice_id: str) -> Path:
        return self.voice(voice_id) / "weights.safetensors"

    def description(self, voice_id: str) -> Path:
        return self.voice(voice_id) / "voice.json"

    def take(self, key: str) -> Path:
        return self.home / "takes" / key[:2] / f"{key}.wav"

    def export(self, key: str, format: str) -> Path:
        return self.home / "exports" / key[:2] / f"{key}.{format}"

    def story(self, story_id: str) -> Path:
        return self.home / "stories" / story_id

    def told(self, story_id: str) -> Path:
        return self.story(story_id) / "recording"

    def picture(self, story_id: str, key: str) -> Path:
        return self.story(story_id) / "pictures" / f"{key}.png"

    def sound(self, story_id: str, scene_id: str) -> Path:
        return self.story(story_id) / "sounds" / f"{scene_id}.wav"

    def job(self, job_id: str) -> Path:
        return self.home / "jobs" / job_id

    def write(self, path: Path, data: bytes) -> None:
        self.replace(path, lambda temporary: temporary.write_bytes(data))

    def copy(self, source: Path, path: Path) -> None:
        self.replace(path, lambda temporary: shutil.copyfile(source, temporary))

    def replace(self, path: Path, make: Callable[[Path], object]) -> None:
        """Let ``make`` write a temporary neighbour, then put it in the place of ``path``, surviving a power cut.

        Raises:
            StudioError: ``disk_full``. Whatever is raised, ``path`` is as it was.
        """
        temporary: Path | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(suffix=TEMPORARY, prefix=f"{path.name}.", dir=path.parent)
            os.close(handle)
            temporary = Path(name)
            make(temporary)
            put_in_place(temporary, path)
        except BaseException as error:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            if is_disk_full(error):
                raise StudioError("disk_full", 507) from error
            raise

    def keep_reserve(self) -> None:
        """Set room aside, unless it is or there is none."""
        if not self._reserve.exists():
            with contextlib.suppress(StudioError, OSError):
                self.write(self._reserve, os.urandom(RESERVE_BYTES))  # zeros take no room on some disks

    def spend_reserve(self) -> bool:
        """Give the room up; False when it was given up before."""
        try:
            self._reserve.unlink()
        except FileNotFoundError:
            return False
        return True

    def remove(self, path: Path) -> None:
        """A file or a folder; gone already is fine."""
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def sweep(self, known: Callable[[Path], bool]) -> int:
        """Remove what a dead process left: temporary files and files nobody ``known``. Returns how many."""
        strays = [path for path in self._files() if path.name.endswith(TEMPORARY) or not known(path)]
        for path in strays:
            path.unlink(missing_ok=True)
        for folder in _FOLDERS:
            for path in sorted((self.home / folder).rglob("*"), reverse=True):
                if path.is_dir():
                    with contextlib.suppress(OSError):  # not empty: it is in use
                        path.rmdir()
        return len(strays)

    def _files(self) -> Iterator[Path]:
        for folder in _FOLDERS:
            yield from (path for path in (self.home / folder).rglob("*") if path.is_file())


def put_in_place(temporary: Path, path: Path) -> None:
    """``temporary``, a file of the same folder, becomes ``path``, surviving a power cut."""
    _sync(temporary)
    os.replace(temporary, path)
    _sync_folder(path.parent)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder; NTFS journals the rename itself
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
