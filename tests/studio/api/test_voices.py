"""``/v1/voices`` on the real services with an engine that hums."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from studio.api.server import build_api
from studio.container import Container
from studio.settings import Settings
from tests.fakes import FakeEngine, fake_engines
from tests.listing import files_in
from tests.studio.api.conftest import CONSENT, finished, recording_files


def files(settings: Settings) -> set[str]:
    return {str(path) for path in files_in(settings.home) if ".db" not in path.name}


def test_a_voice_from_recordings_and_consent(client: TestClient) -> None:
    until = (date.today() + timedelta(days=90)).isoformat()
    answer = client.post("/v1/voices", data={**CONSENT, "consent_until": until}, files=recording_files())
    voice = answer.json()
    assert answer.status_code == 201, voice
    assert answer.headers["location"] == f"/v1/voices/{voice['id']}"
    assert voice["name"] == "Ada"
    assert voice["consent"] == {"owner_name": "Ada Lovelace", "scope": "personal", "until": until}
    assert [recording["filename"] for recording in voice["recordings"]] == [
        f[1][0] for f in recording_files()
    ]

    report = voice["quality_report"]
    assert report["grade"] in "ABCD" and report["headline"]
    assert {"snr", "clipping", "loudness"} <= {check["name"] for check in report["checks"]}
    assert all(check["verdict"] in ("good", "fair", "poor") and check["advice"] for check in report["checks"])

    assert finished(client, voice["active_job_id"])["state"] == "done"
    ready = client.get(f"/v1/voices/{voice['id']}").json()
    assert (ready["state"], ready["revision"]["number"], ready["revision"]["kind"]) == ("ready", 1, "instant")
    assert ready["active_job_id"] is None
    assert voice["id"] in [v["id"] for v in client.get("/v1/voices").json()["voices"]]


def test_the_report_speaks_chinese(client: TestClient) -> None:
    answer = client.post(
        "/v1/voices", data=CONSENT, files=recording_files(1), headers={"accept-language": "zh"}
    )
    checks = answer.json()["quality_report"]["checks"]
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in check["advice"]) for check in checks)


@pytest.mark.parametrize(
    ("change", "status", "code", "named"),
    [
        ({"consent": "false"}, 422, "consent_not_given", "consent"),
        ({"consent": ""}, 422, "consent_not_given", "consent"),
        ({"consent_name": " "}, 422, "request_invalid", "consent_name"),
        ({"name": ""}, 422, "request_invalid", "name"),
        ({"consent_scope": "anything"}, 422, "request_invalid", "consent_scope"),
        ({"consent_until": "tomorrow"}, 422, "request_invalid", "consent_until"),
        ({"consent_until": "2001-01-01"}, 422, "consent_until_past", "2001"),
        ({"colour": "red"}, 422, "request_invalid", "colour"),
    ],
)
def test_incomplete_forms_make_no_voice(
    client: TestClient, container: Container, change: dict, status: int, code: str, named: str
) -> None:
    before = [voice.id for voice in container.voices.list()]
    answer = client.post("/v1/voices", data={**CONSENT, **change}, files=recording_files(1))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert named in answer.json()["detail"]
    assert [voice.id for voice in container.voices.list()] == before


def wav(wave: np.ndarray, subtype: str = "PCM_16", sample_rate: int = 16000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, wave.astype(np.float32), sample_rate, format="WAV", subtype=subtype)
    return file.getvalue()


TONE = 0.3 * np.sin(np.arange(48000) / 20)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"", "audio_empty"),
        (b"Dear diary, this is no sound at all.", "audio_not_audio"),
        (wav(TONE)[:44], "audio_empty"),
        (wav(TONE[:3200]), "audio_too_short"),
        (wav(0 * TONE), "audio_silent"),
        (wav(np.where(np.arange(48000) == 9000, np.nan, TONE), "FLOAT"), "audio_not_finite"),
    ],
    ids=["zero bytes", "text", "no samples", "0.2 s", "silent", "NaN"],
)
def test_one_refused_file_and_nothing_is_kept(
    client: TestClient, container: Container, settings: Settings, bad: bytes, code: str
) -> None:
    before, kept = [voice.id for voice in container.voices.list()], files(settings)
    answer = client.post(
        "/v1/voices", data=CONSENT, files=[*recording_files(1), ("files", ("diary.wav", bad))]
    )
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["next"] and answer.json()["facts"]["filename"] == "diary.wav"
    assert [voice.id for voice in container.voices.list()] == before
    assert files(settings) == kept


def test_a_header_that_lies_is_read_for_what_is_there(client: TestClient) -> None:
    speech, sample_rate = soundfile.read(io.BytesIO(recording_files(2)[1][1][1]))
    liar = bytearray(wav(speech[: 4 * sample_rate], sample_rate=sample_rate))
    liar[40:44] = b"\xff\xff\xff\x7f"  # two gigabytes are announced, four seconds arrive
    answer = client.post("/v1/voices", data=CONSENT, files=[("files", ("liar.wav", bytes(liar)))])
    assert answer.status_code == 201, answer.text
    assert answer.json()["recordings"][0]["seconds"] == pytest.approx(4.0, abs=0.1)


def test_a_full_disk_keeps_nothing(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(settings)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("studio.api.uploads._Reader.feed", full)
    answer = client.post("/v1/voices", data=CONSENT, files=recording_files(1))
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
    assert files(settings) == before


def test_no_files_no_voice(client: TestClient) -> None:
    answer = client.post("/v1/voices", files={name: (None, value) for name, value in CONSENT.items()})
    assert answer.status_code == 422
    assert "files" in answer.json()["detail"]


def test_training_makes_a_revision(client: TestClient, make_voice: Callable[[], dict]) -> None:
    voice = make_voice()
    answer = client.post(f"/v1/voices/{voice['id']}/revisions", json={"quality": "quick"})
    assert answer.status_code == 202
    job_id = answer.json()["job_id"]
    assert answer.headers["location"] == f"/v1/jobs/{job_id}"
    job = finished(client, job_id)
    assert (job["state"], job["progress"], job["error"]) == ("done", 1.0, None)
    revisions = client.get(f"/v1/voices/{voice['id']}").json()["revisions"]
    assert [(r["number"], r["kind"], r["quality"]) for r in revisions] == [
        (1, "instant", None),
        (2, "trained", "quick"),
    ]
    assert 0 <= revisions[1]["card"]["similarity"] <= 1


def test_a_second_tab_gets_the_job_that_runs(
    client: TestClient, make_voice: Callable[[], dict], engine: FakeEngine
) -> None:
    voice = make_voice()
    engine.step_seconds = 0.1
    wish = f"/v1/voices/{voice['id']}/revisions"
    first = client.post(wish, json={"quality": "good"}).json()["job_id"]
    assert client.post(wish, json={"quality": "best"}).json()["job_id"] == first
    assert client.get(f"/v1/voices/{voice['id']}").json()["active_job_id"] == first


@pytest.mark.parametrize("wish", [{"quality": "superb"}, {}, {"quality": "good", "steps": 10**9}, "good"])
def test_unknown_qualities(client: TestClient, make_voice: Callable[[], dict], wish: object) -> None:
    answer = client.post(f"/v1/voices/{make_voice()['id']}/revisions", json=wish)
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


def test_delete_withdraws_consent_and_leaves_no_sound(
    client: TestClient, make_voice: Callable[[], dict], settings: Settings
) -> None:
    before = files(settings)
    voice = make_voice()
    wish = {"voice": voice["id"], "input": "One two three.", "response_format": "wav"}
    assert client.post("/v1/audio/speech", json=wish).status_code == 200
    answer = client.delete(f"/v1/voices/{voice['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"/v1/voices/{voice['id']}").json()["code"] == "voice_unknown"
    assert client.post("/v1/audio/speech", json=wish).status_code == 404
    assert files(settings) == before


@pytest.mark.parametrize(
    "voice_id", ["nobody", "..", "%2e%2e%2fetc", "a" * 300, "voice_'; DROP TABLE voices"]
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown_voices(client: TestClient, method: str, voice_id: str) -> None:
    answer = client.request(method, f"/v1/voices/{voice_id}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_visitors_of_a_demo_change_nothing(settings: Settings, engine: FakeEngine) -> None:
    demo = settings.model_copy(update={"public_demo": True})
    with Container(demo, fake_engines(engine)) as container, TestClient(build_api(container)) as client:
        answer = client.post("/v1/voices", data=CONSENT, files=recording_files(1))
        assert (answer.status_code, answer.json()["code"]) == (403, "demo_closed")
        sample = next((voice for voice in client.get("/v1/voices").json()["voices"] if voice["sample"]), None)
        voice_id = sample["id"] if sample else "nobody"
        assert client.post(f"/v1/voices/{voice_id}/revisions", json={"quality": "quick"}).status_code in (
            403,
            404,
        )
        assert client.delete(f"/v1/voices/{voice_id}").status_code in (403, 404)


def test_what_is_said_in_a_recording_is_given_changed_and_heard(
    hearing_client: TestClient, quick_audio: None
) -> None:
    client = hearing_client
    answer = client.post(
        "/v1/voices", data={**CONSENT, "reference_text": "Never surpassed."}, files=recording_files()
    )
    voice = answer.json()
    assert answer.status_code == 201, voice
    finished(client, voice["active_job_id"])

    def recordings() -> list[dict]:
        return client.get(f"/v1/voices/{voice['id']}").json()["recordings"]

    first, second = recordings()
    assert (first["text"], first["heard_by"]) == ("Never surpassed.", None)
    assert (second["text"], second["heard_by"]) == ("Once upon a time.", "whisper-small")
    address = f"/v1/voices/{voice['id']}/recordings/{second['id']}/text"
    corrected = client.put(address, json={"text": "Once upon a rhyme."})
    assert (corrected.status_code, corrected.json()["text"]) == (200, "Once upon a rhyme.")
    assert corrected.json()["heard_by"] is None
    asked = client.post(address)
    assert asked.status_code == 202 and asked.headers["location"] == f"/v1/jobs/{asked.json()['job_id']}"
    assert finished(client, asked.json()["job_id"])["state"] == "done"
    assert recordings()[1]["heard_by"] == "whisper-small"


def test_texts_of_no_recording_of_the_voice_are_refused(
    client: TestClient, make_voice: Callable[[], dict]
) -> None:
    voice = make_voice()
    address = f"/v1/voices/{voice['id']}/recordings/{{}}/text"
    mine = address.format(voice["recordings"][0]["id"])
    for url, body, status, code in (
        (address.format("rec_00000000000000000000"), {"text": "a"}, 404, "recording_unknown"),
        (mine, {"text": "a" * 6000}, 422, "transcript_too_long"),
        (mine, {"said": "a"}, 422, "request_invalid"),
    ):
        answer = client.put(url, json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    answer = client.post(mine)
    assert (answer.status_code, answer.json()["code"]) == (409, "transcriber_missing")
    assert client.put(mine, json={"text": ""}).json()["text"] is None
