"""Makes a book that ships with the studio, by the studio itself.

    python -m studio.sample_book assets/books/lantern_boat --seed 11 --pages 4

``story.txt`` in the folder is planned, painted with the shipped base and read by a sample voice. To be run again whenever
the voice or the painter change: what ships is what this machine's studio would make.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import zipfile
from pathlib import Path

from studio.container import Container
from studio.errors import StudioError
from studio.jobs.job import Job
from studio.settings import Settings

DEFAULT_SEED = 11


def make_sample_book(container: Container, folder: Path, seed: int, pages: int | None = None) -> Path:
    """Write ``book.json``, ``pictures`` and ``narration`` beside ``story.txt``; returns ``folder``.

    Raises:
        StudioError: the story was refused, or a job on it failed. The folder is then as it was.
    """
    voice = next(voice for voice in container.voices.list() if voice.sample)
    text = (folder / "story.txt").read_text(encoding="utf-8")
    story = container.stories.write(text, voice_id=voice.id, seed=seed, pages=pages)
    _done(container, container.stories.draw(story.id))
    story = container.stories.get(story.id)
    if fault := next((page.fault for page in story.pages if page.fault), None):
        raise StudioError(fault.code, 500, **fault.facts)
    _done(container, container.stories.export(story.id, "project"))
    _unpack(container.stories.exported(story.id, "project"), folder)
    return folder


def _done(container: Container, job: Job) -> None:
    while job.active:
        print(f"{job.kind} {job.stage} {job.progress:.0%}", file=sys.stderr)
        job = container.jobs.wait(job.id, 5.0)
    if job.error is not None:
        raise StudioError(job.error.code, 500, **job.error.facts)


def _unpack(project: Path, folder: Path) -> None:
    """As ``studio.store.sample_books`` reads it: the narration much smaller than in a project."""
    with zipfile.ZipFile(project) as archive:
        for name in archive.namelist():
            if not name.endswith((".json", ".png", ".wav")):
                continue
            data, path = archive.read(name), folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".wav":
                data, path = _as_vorbis(data), path.with_suffix(".ogg")
            path.write_bytes(data)


def _as_vorbis(wav: bytes) -> bytes:
    import soundfile

    from pipelines.audio.formats import encode, read_tags

    wave, sample_rate = soundfile.read(io.BytesIO(wav), dtype="float32")
    return encode(wave, sample_rate, "ogg", read_tags(wav))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--pages", type=int)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, Container(Settings(home=Path(home))) as container:
        make_sample_book(container, arguments.folder, arguments.seed, arguments.pages)
    size = sum(path.stat().st_size for path in arguments.folder.rglob("*") if path.is_file())
    print(f"{arguments.folder}: {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
