from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.container import Container
from studio.errors import StudioError
from studio.settings import Settings
from studio.store.records import VoiceRecord
from tests.fakes import FakeEngine, fake_engines

ROOT = Path(__file__).resolve().parents[2]

WORKER = """
import sys, time
from pathlib import Path
from studio.container import Container
from studio.settings import Settings
from tests.fakes import FakeEngine, fake_engines
home, voice_id, work = sys.argv[1:]
container = Container(Settings(home=Path(home), device="cpu", port=0), fake_engines(FakeEngine(step_seconds=0.3)))
if work == "train":
    print(container.voices.train(voice_id, "best").id, flush=True)
else:
    text = " ".join(f"This is sentence number {n}." for n in range(12))
    print(container.speaking.submit(voice_id, text, seed=1).id, flush=True)
time.sleep(300)
"""


def test_it_is_up_in_a_second_and_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys, time\\n"
        "from pathlib import Path\\n"
        "from studio.container import Container\\n"
        "from studio.settings import Settings\\n"
        "from tests.fakes import fake_engines\\n"
        "container = Container(Settings(home=Path(sys.argv[1]), device='cpu'), fake_engines())\\n"
        "container.voices.list()\\n"
        "print(time.process_time(), 'torch' in sys.modules)"
    ).replace("\\n", "\n")
    answer = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    seconds, torch = answer.stdout.split()
    assert torch == "False"
    assert float(seconds) < 3.0  # of the processor, which may be busy; under one on an idle machine


def test_a_second_studio_is_refused(settings: Settings, container: Container) -> None:
    with pytest.raises(StudioError, match="home_in_use"):
        Container(settings, fake_engines())
    container.close()
    Container(settings, fake_engines()).close()


def test_closing_twice_is_fine(settings: Settings) -> None:
    container = Container(settings, fake_engines())
    container.close()
    container.close()


def kill_when(settings: Settings, voice: VoiceRecord, work: str, ready: str, count: int) -> str:
    """Start another studio on the library, kill it with signal 9 in the middle of its work; the id of that work."""
    command = [sys.executable, "-c", WORKER, str(settings.home), voice.id, work]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as studio:
        name = studio.stdout.readline().strip()
        deadline = time.monotonic() + 240
        while sum(_steps(path) for path in settings.home.glob(ready)) < count:
            assert time.monotonic() < deadline and studio.poll() is None
            time.sleep(0.01)
        os.kill(studio.pid, signal.SIGKILL)
    return name


def _steps(path: Path) -> int:
    import json

    return json.loads(path.read_text())["step"] if path.suffix == ".json" else 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal 9")
def test_kill_in_the_middle_of_training_resumes_from_the_checkpoint(
    settings: Settings, container: Container, voice: VoiceRecord
) -> None:
    container.close()
    job_id = kill_when(settings, voice, "train", "jobs/*/checkpoint.json", 5)
    engine = FakeEngine()
    with Container(settings, fake_engines(engine)) as restarted:
        job = restarted.jobs.wait(job_id, 100)
        assert (job.state, job.attempt, job.result["revision"]) == ("done", 2, 2)
        assert engine.steps[0] >= 6 and engine.steps[-1] == 24
        assert [row.step for row in job.curve][-1] == 24
        card = restarted.voices.get(voice.id).revision.card
        assert card["resumed_from"] == engine.steps[0] - 1
        assert [revision.number for revision in restarted.voices.revisions(voice.id)] == [1, 2]
        assert restarted.database.value("PRAGMA integrity_check") == "ok"
    assert not list(settings.home.glob("jobs/*"))
    assert not list(settings.home.rglob("*.tmp"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal 9")
def test_kill_in_the_middle_of_reading_keeps_the_takes(
    settings: Settings, container: Container, voice: VoiceRecord
) -> None:
    container.close()
    speech_id = kill_when(settings, voice, "speak", "takes/*/*.wav", 4)
    engine = FakeEngine()
    with Container(settings, fake_engines(engine)) as restarted:
        speech = restarted.speaking.wait(speech_id, 100)
        assert speech.state == "done"
        assert len(engine.spoken) <= 12 - 3  # at most the one that was being kept is spoken again
        assert len({sentence for sentence, _ in engine.spoken}) == len(engine.spoken)


def test_a_job_that_keeps_killing_the_studio_is_given_up(
    settings: Settings, container: Container, voice: VoiceRecord
) -> None:
    container.close()
    container = Container(settings, fake_engines(FakeEngine(step_seconds=0.05)))
    job = container.voices.train(voice.id, "best")
    while container.jobs.get(job.id).state == "queued":
        time.sleep(0.01)
    container.close()
    from studio.store.database import Database

    database = Database(settings.home / "studio.db")
    with database.transaction() as connection:
        connection.execute(
            "UPDATE jobs SET state = 'running', crashes = 2, reached = 0, owner = 'dead' WHERE id = ?",
            (job.id,),
        )
    database.close()
    with Container(settings, fake_engines()) as restarted:
        failed = restarted.jobs.get(job.id)
        assert (failed.state, failed.error.code) == ("failed", "job_gave_up")
        assert restarted.voices.get(voice.id).state == "ready"
        assert not list((settings.home / "jobs").glob("*"))
