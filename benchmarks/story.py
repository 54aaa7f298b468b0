"""Times a story of four scenes on its way to a film, on the bases that ship.

    export OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=1000  # as the studio sets them for itself
    python -m benchmarks.story --runs 3

Every run is a process of its own with an empty library: it starts the studio, plans the story, paints and narrates it
with a sample voice and exports MP4. Loading the bases counts; starting Python does not. ``processor_seconds`` are those
of all cores together, which other work on the machine does not change. Memory is the peak of the whole process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

STORY = (
    "A little fox named Pip lived at the edge of the forest. One morning he found a golden key under a tree.\n\n"
    "Pip carried the key to the village. An owl sat on a roof and said that it belonged to the lighthouse by the sea.\n\n"
    "In the evening Pip sailed across the sea in a small red boat. The waves were high, but he was not afraid.\n\n"
    "At night he opened the door of the lighthouse. The lamp began to shine, and all the ships came home."
)
PAGES = 4


def measured(home: Path) -> dict[str, float]:
    """One run in this process."""
    from studio.container import Container
    from studio.settings import Settings

    began = time.monotonic()
    with Container(Settings(home=home)) as container:
        voice = next(voice for voice in container.voices.list() if voice.sample)
        marks = {"start": time.monotonic() - began}

        def timed(name: str, job_id: str | None = None) -> None:
            while job_id and (job := container.jobs.wait(job_id, 60)).active:
                pass
            if job_id and job.state != "done":
                raise SystemExit(f"{name}: {job.state} {job.error}")
            marks[name] = time.monotonic() - began - sum(marks.values())

        story = container.stories.write(STORY, voice_id=voice.id, seed=7, pages=PAGES)
        timed("plan")
        job = container.stories.draw(story.id)
        while container.jobs.get(job.id).active and not _painted(container, story.id):
            container.jobs.wait(job.id, 0.2)
        timed("paint")
        timed("narrate", job.id)
        timed("mp4", container.stories.export(story.id, "mp4").id)
        pages = container.stories.get(story.id).pages
        if not all(page.painted and page.spoken == page.sentences for page in pages):
            raise SystemExit("the book is not complete")
        film_bytes = container.stories.exported(story.id, "mp4").stat().st_size
    seconds = sum(marks.values())
    return {
        **{f"{name}_seconds": value for name, value in marks.items()},
        "picture_seconds": marks["paint"] / len(pages),
        "seconds": seconds,
        "processor_seconds": time.process_time(),
        "peak_mib": _peak_mib(),
        "film_bytes": film_bytes,
    }


def _painted(container: object, story_id: str) -> bool:
    return all(page.painted or page.fault for page in container.stories.get(story_id).pages)


def _peak_mib() -> float:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def repeated(runs: int) -> list[Mapping[str, float]]:
    results = []
    for number in range(runs):
        with tempfile.TemporaryDirectory() as home:
            command = [sys.executable, "-m", "benchmarks.story", "--home", home]
            outcome = subprocess.run(command, capture_output=True, text=True)
        if outcome.returncode:
            raise SystemExit(outcome.stderr or outcome.stdout)
        results.append(json.loads(outcome.stdout.splitlines()[-1]))
        print(f"run {number + 1}: {results[-1]['seconds']:.1f} s", file=sys.stderr)
    return results


def table(results: Sequence[Mapping[str, float]]) -> str:
    lines = ["| | median | range |", "|---|---|---|"]
    for name in results[0]:
        values = sorted(result[name] for result in results)
        lines.append(f"| {name} | {statistics.median(values):.2f} | {values[0]:.2f} .. {values[-1]:.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.home:
        print(json.dumps(measured(arguments.home)))
    else:
        print(table(repeated(arguments.runs)))


if __name__ == "__main__":
    main()
