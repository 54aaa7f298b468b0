from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.language import languages
from studio.store.database import Database
from studio.store.ids import new_id
from studio.store.voices import VoiceStore
from studio.trust import consent as module
from studio.trust.consent import Consents, consent_text

TODAY = date.today()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "studio.db")


@pytest.fixture
def consents(database: Database) -> Consents:
    return Consents(database)


@pytest.fixture
def voice_id(database: Database) -> str:
    voice_id = new_id("voice")
    VoiceStore(database).insert(voice_id, "Ann", "fake")
    return voice_id


@pytest.mark.parametrize("language", languages)
def test_the_text_is_versioned_and_hashed(language: str) -> None:
    text = consent_text(language)
    assert text.version and text.version in text.text
    assert text.sha256 == hashlib.sha256(text.text.encode()).hexdigest()
    assert len(text.text) > 500


def test_both_languages_have_the_same_version_and_clauses() -> None:
    en, zh = consent_text("en"), consent_text("zh")
    assert en.version == zh.version and en.sha256 != zh.sha256
    assert en.text.count("\n**") == zh.text.count("\n**") == 8


def test_what_is_recorded(consents: Consents, voice_id: str) -> None:
    until = TODAY + timedelta(days=30)
    record = consents.give(voice_id, "  Ann   Lee ", "commercial", until, "zh", ["b", "a"])
    assert record.owner_name == "Ann Lee"
    assert (record.scope, record.until, record.language) == ("commercial", until, "zh")
    assert record.text_sha256 == consent_text("zh").sha256
    assert record.audio_sha256 == ("a", "b")
    assert consents.require(voice_id, ["a"]) == record


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"owner_name": " \n"}, "consent_name_missing"),
        ({"owner_name": "x" * 81}, "consent_name_too_long"),
        ({"scope": "everything"}, "consent_scope_unknown"),
        ({"until": TODAY - timedelta(days=1)}, "consent_until_past"),
        ({"language": "fr"}, "language_unknown"),
        ({"audio_sha256": []}, "consent_without_recordings"),
    ],
)
def test_refused(consents: Consents, voice_id: str, change: dict, code: str) -> None:
    asked = {"owner_name": "Ann", "scope": "personal", "until": None, "language": "en", "audio_sha256": ["a"]}
    with pytest.raises(StudioError) as caught:
        consents.give(voice_id, **{**asked, **change})
    assert caught.value.code == code
    assert consents.current(voice_id) is None


def test_no_consent_no_use(consents: Consents, voice_id: str) -> None:
    with pytest.raises(StudioError, match="consent_none"):
        consents.require(voice_id)


def test_later_recordings_are_not_covered(consents: Consents, voice_id: str) -> None:
    consents.give(voice_id, "Ann", "personal", None, "en", ["a"])
    with pytest.raises(StudioError, match="consent_outdated"):
        consents.require(voice_id, ["a", "b"])
    consents.give(voice_id, "Ann", "personal", None, "en", ["a", "b"])
    consents.require(voice_id, ["a", "b"])


def test_it_ends_after_its_last_day(
    consents: Consents, voice_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    consents.give(voice_id, "Ann", "personal", TODAY, "en", ["a"])
    consents.require(voice_id)

    class Tomorrow(date):
        @classmethod
        def today(cls) -> date:
            return TODAY + timedelta(days=1)

    monkeypatch.setattr(module, "date", Tomorrow)
    with pytest.raises(StudioError) as caught:
        consents.require(voice_id)
    assert caught.value.code == "consent_expired"
    assert TODAY.isoformat() in caught.value.sentence("zh").what


def test_withdrawn_stays_on_record_without_the_name(
    consents: Consents, voice_id: str, database: Database
) -> None:
    consents.give(voice_id, "Ann", "personal", None, "en", ["a"])
    consents.withdraw(voice_id)
    assert consents.current(voice_id) is None
    row = database.row("SELECT * FROM consents")
    assert row["owner_name"] == "" and row["withdrawn_at"] and row["text_sha256"]
