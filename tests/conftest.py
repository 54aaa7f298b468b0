"""What every test may ask for."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported anywhere
for name in [name for name in os.environ if name in ("HOST", "PORT") or name.startswith("VOXTALE_")]:
    del os.environ[name]  # the developer's own settings must not reach a test

from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

from studio.container import Container  # noqa: E402
from studio.settings import Settings  # noqa: E402
from studio.store.records import VoiceRecord  # noqa: E402
from tests.chromium import ARGUMENTS, CHROMIUM  # noqa: E402
from tests.fakes import FakeEngine, fake_engines, quick_assess, quick_decode, write_hum  # noqa: E402


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


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "library", device="cpu", port=0)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def container(settings: Settings, engine: FakeEngine) -> Iterator[Container]:
    """A studio with the fake engine in a fresh folder."""
    with Container(settings, fake_engines(engine)) as container:
        yield container


@pytest.fixture
def quick_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings come in without the decoder's child process, the speech detector and the listening tests."""
    monkeypatch.setattr("pipelines.audio.decode.decode_audio", quick_decode)
    monkeypatch.setattr("pipelines.audio.quality.assess", quick_assess)
    monkeypatch.setattr("pipelines.audio.quality.require_speech", lambda report: None)


@pytest.fixture
def voice(container: Container, tmp_path: Path, quick_audio: None) -> VoiceRecord:
    """A voice with a recording, consent and an instant revision."""
    draft = container.voices.create("Ann")
    container.voices.add_recording(draft.id, write_hum(tmp_path / "hum.wav"), "hum.wav")
    container.voices.consent(draft.id, "Ann Lee", "personal", None, "en")
    container.jobs.wait(container.voices.get(draft.id).active_job_id, 30)
    return container.voices.get(draft.id)
