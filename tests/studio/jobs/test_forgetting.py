"""What a public demo still has of its visitors the day after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from studio.container import Container
from studio.settings import Settings
from studio.store import database
from studio.store.database import now
from studio.store.records import Speech, VoiceRecord
from tests.fakes import FakeEngine, fake_engines
from tests.listing import files_in
from tests.waiting import until

SECRET = "A private sentence."


@pytest.fixture
def sample(settings: Settings, container: Container, voice: VoiceRecord) -> VoiceRecord:
    """A voice that a demo on the same library has."""
    with container.database.transaction() as connection:
        connection.execute("UPDATE voices SET sample = 1 WHERE id = ?", (voice.id,))
    container.close()
    return voice


def spoken(demo: Container, voice: VoiceRecord, text: str) -> Speech:
    speech = demo.speaking.submit(voice.id, text, seed=1, client="1.1.1.1")
    speech = demo.speaking.wait(speech.id, 60)
    demo.speaking.export(speech.id, "wav")
    return speech


def files(home: Path) -> dict[str, int]:
    return {
        room: sum(path.suffix == ".wav" for path in files_in(home / room)) for room in ("takes", "exports")
    }


@pytest.fixture
def yesterday(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    with monkeypatch.context() as clock:
        clock.setattr(database, "now", lambda: now() - timedelta(days=1, minutes=1))
        yield clock


def test_a_day_later_nothing_that_was_spoken_is_left(
    settings: Settings, sample: VoiceRecord, engine: FakeEngine, yesterday: pytest.MonkeyPatch
) -> None:
    demo = settings.model_copy(update={"public_demo": True})
    with Container(demo, fake_engines(engine)) as container:
        spoken(container, sample, SECRET)
    yesterday.undo()
    with Container(demo, fake_engines(engine)) as container:
        until(lambda: not files(demo.home)["exports"])
        assert files(demo.home) == {"takes": 0, "exports": 0}
        for table in ("speeches", "sentences", "takes"):
            assert container.database.rows(f"SELECT * FROM {table}") == []
        spoken(container, sample, SECRET)
    with Container(demo, fake_engines(engine)) as container:
        assert [speech.text for speech in container.speaking.history(sample.id, client="1.1.1.1")] == [SECRET]
        assert files(demo.home) == {"takes": 1, "exports": 1}


def test_outside_a_demo_speeches_stay(
    settings: Settings, sample: VoiceRecord, engine: FakeEngine, yesterday: pytest.MonkeyPatch
) -> None:
    with Container(settings, fake_engines(engine)) as container:
        spoken(container, sample, SECRET)
    yesterday.undo()
    with Container(settings, fake_engines(engine)) as container:
        assert len(container.speaking.history(sample.id)) == 1
        assert files(settings.home) == {"takes": 1, "exports": 1}
