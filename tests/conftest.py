"""What every test may ask for."""

from __future__ import annotations

import os
import shutil
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported anywhere
# Gradio names an upload by its content, so two runs at once would take each other's files from a common folder.
_UPLOADS = tempfile.TemporaryDirectory(prefix="voxtale-uploads-")
os.environ["GRADIO_TEMP_DIR"] = _UPLOADS.name
for name in [name for name in os.environ if name in ("HOST", "PORT") or name.startswith("VOXTALE_")]:
    del os.environ[name]  # the developer's own settings must not reach a test

from collections.abc import Callable, Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

from studio.container import Container  # noqa: E402
from studio.jobs.runner import JobRun  # noqa: E402
from studio.settings import Settings  # noqa: E402
from studio.store.records import VoiceRecord  # noqa: E402
from tests.chromium import ARGUMENTS, CHROMIUM  # noqa: E402
from tests.fakes import (  # noqa: E402
    FakeEngine,
    FakeIllustrator,
    FakeTranscriber,
    Held,
    fake_engines,
    fake_painters,
    fake_transcribers,
    quick_assess,
    quick_decode,
    write_hum,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests come first: begun last, one process would work on them while the others wait."""
    marks = ("slow", "browser")
    long = {item.path for item in items if any(map(item.get_closest_marker, marks))}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """One browser for the whole run: Playwright's sync interface can be opened only once."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def small_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``models`` folder with the official tree of GPT-SoVITS v2, its networks small and random."""
    from tests.official_files import small_bases

    models = tmp_path_factory.mktemp("library") / "models"
    small_bases(models / "gpt_sovits")
    return models


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "library", device="cpu", port=0)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def illustrator() -> FakeIllustrator:
    return FakeIllustrator()


@pytest.fixture
def container(settings: Settings, engine: FakeEngine, illustrator: FakeIllustrator) -> Iterator[Container]:
    """A studio with the fake engine and illustrator in a fresh folder."""
    with Container(settings, fake_engines(engine), fake_painters(illustrator)) as container:
        yield container


@pytest.fixture
def transcriber() -> FakeTranscriber:
    return FakeTranscriber()


@pytest.fixture
def hearing(
    settings: Settings, engine: FakeEngine, illustrator: FakeIllustrator, transcriber: FakeTranscriber
) -> Iterator[Container]:
    """As ``container``, with a Whisper that is none."""
    fakes = fake_engines(engine), fake_painters(illustrator), fake_transcribers(transcriber)
    with Container(settings, *fakes) as container:
        yield container


@pytest.fixture
def many_bases(settings: Settings, small_models: Path) -> Iterator[Container]:
    """A studio with what ships and a small GPT-SoVITS v2."""
    shutil.copytree(small_models, settings.home / "models")
    with Container(settings) as container:
        yield container


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Held]]:
    """``hold(kind, stage)`` makes the next job of a kind wait at the beginning of a stage, once it has said so."""
    everyone = []

    def hold(kind: str, stage: str) -> Held:
        held, report = Held(), JobRun.stage
        everyone.append(held)

        def stop_here(run: JobRun, name: str, progress: float) -> None:
            report(run, name, progress)
            if (run.job.kind, name) == (kind, stage):
                held.wait_here()

        monkeypatch.setattr(JobRun, "stage", stop_here)
        return held

    yield hold
    for held in everyone:
        held.let_go()


@pytest.fixture
def quick_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings come in without the decoder's child process, the speech detector and the listening tests."""
    monkeypatch.setattr("pipelines.audio.decode.decode_audio", quick_decode)
    monkeypatch.setattr("pipelines.audio.quality.assess", quick_assess)
    monkeypatch.setattr("pipelines.audio.quality.require_speech", lambda report: None)


@pytest.fixture
def voice(container: Container, tmp_path: Path, quick_audio: None) -> VoiceRecord:
    """A voice with a recording, consent and an instant revision."""
    return new_voice(container, tmp_path)


def new_voice(container: Container, tmp_path: Path, name: str = "Ann") -> VoiceRecord:
    draft = container.voices.create(name)
    container.voices.add_recording(draft.id, write_hum(tmp_path / "hum.wav"), "hum.wav")
    container.voices.consent(draft.id, "Ann Lee", "personal", None, "en")
    container.jobs.wait(container.voices.get(draft.id).active_job_id, 120)
    return container.voices.get(draft.id)
