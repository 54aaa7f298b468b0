from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from studio.api.server import build_api
from studio.container import Container
from tests.official_files import small_sovits, small_text2semantic
from tests.studio.api.conftest import CONSENT, SPEECH, finished


@pytest.fixture
def client(many_bases: Container) -> Iterator[TestClient]:
    with TestClient(
        build_api(many_bases), base_url="http://127.0.0.1:7860", raise_server_exceptions=False
    ) as client:
        yield client


@pytest.fixture
def parts(tmp_path: Path) -> list[tuple[str, tuple[str, bytes]]]:
    gpt = small_text2semantic(tmp_path / "a.ckpt").read_bytes()
    sovits = small_sovits(tmp_path / "a.pth").read_bytes()
    speech = (SPEECH / "2033-164914-0000.flac").read_bytes()
    return [
        ("weights", ("../../evil.ckpt", gpt)),
        ("weights", ("a.pth", sovits)),
        ("files", ("a.flac", speech)),
    ]


def test_engines(client: TestClient) -> None:
    engines = {engine["name"]: engine for engine in client.get("/v1/engines").json()["engines"]}
    assert list(engines) == ["starter", "gpt_sovits_v2"]
    assert {"en", "zh", "ko"} <= set(engines["gpt_sovits_v2"]["languages"])
    lora, full = engines["gpt_sovits_v2"]["methods"]
    assert (lora["name"], full["name"]) == ("lora", "full")
    assert [method["name"] for method in engines["starter"]["methods"]] == ["lora"]
    assert 0 < lora["seconds"]["quick"] < lora["seconds"]["good"] < lora["seconds"]["best"]
    assert 0 < lora["memory_bytes"] < full["memory_bytes"]
    controls = {control["name"]: control for control in engines["gpt_sovits_v2"]["controls"]}
    assert controls["top_k"]["default"] == 15


def test_in_by_upload_spoken_and_out_again(client: TestClient, parts: list, quick_audio: None) -> None:
    answer = client.post(
        "/v1/voices/import", data={**CONSENT, "reference_text": "Once upon a time."}, files=parts
    )
    assert answer.status_code == 201, answer.text
    voice = answer.json()
    assert (voice["engine"], voice["imported"]) == ("gpt_sovits_v2", True)
    assert voice["recordings"][0]["text"] == "Once upon a time."
    assert finished(client, voice["active_job_id"])["state"] == "done"
    wish = {"voice": voice["id"], "input": "How are you?", "response_format": "wav", "seed": 3}
    spoken = client.post(
        "/v1/audio/speech", json={**wish, "model": "gpt_sovits_v2", "controls": {"top_k": 3}}
    )
    assert spoken.status_code == 200 and spoken.content[:4] == b"RIFF"
    refused = client.post("/v1/audio/speech", json={**wish, "controls": {"num_inference_steps": 4}})
    assert (refused.status_code, refused.json()["code"]) == (422, "control_unknown")
    for name, mark in (("voice.ckpt", b"PK"), ("voice.pth", b"PK")):
        file = client.get(f"/v1/voices/{voice['id']}/files/{name}")
        assert file.status_code == 200 and file.content[:2] == mark
    assert client.get(f"/v1/voices/{voice['id']}/files/studio.db").json()["code"] == "voice_file_unknown"
    assert client.get("/v1/voices/v_0/files/voice.pth").status_code == 404


@pytest.mark.parametrize(
    ("drop", "status", "code"),
    [("weights", 422, "request_invalid"), ("files", 422, "request_invalid")],
)
def test_what_a_form_must_have(client: TestClient, parts: list, drop: str, status: int, code: str) -> None:
    answer = client.post("/v1/voices/import", data=CONSENT, files=[part for part in parts if part[0] != drop])
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert drop in answer.json()["detail"]


def test_no_consent_no_voice(client: TestClient, parts: list) -> None:
    answer = client.post("/v1/voices/import", data={**CONSENT, "consent": "no"}, files=parts)
    assert answer.json()["code"] == "consent_not_given"


def test_a_hostile_file(client: TestClient, parts: list, many_bases: Container) -> None:
    evil = [("weights", ("a.ckpt", b"PK\x03\x04" + b"\xff" * 5000)), *parts[1:]]
    answer = client.post("/v1/voices/import", data=CONSENT, files=evil)
    assert (answer.status_code, answer.json()["code"]) == (422, "checkpoint_broken")
    assert not [voice for voice in many_bases.voices.list() if not voice.sample]


def test_the_base_can_be_chosen(
    client: TestClient, many_bases: Container, parts: list, quick_audio: None
) -> None:
    answer = client.post("/v1/voices", data={**CONSENT, "engine": "gpt_sovits_v2"}, files=parts[2:])
    assert answer.status_code == 201 and answer.json()["engine"] == "gpt_sovits_v2"
    voice = answer.json()
    finished(client, voice["active_job_id"])
    many_bases.engines["gpt_sovits_v2"] = replace(many_bases.engines["gpt_sovits_v2"], methods=())
    trained = client.post(f"/v1/voices/{voice['id']}/revisions", json={"quality": "quick"})
    assert (trained.status_code, trained.json()["code"]) == (409, "engine_untrainable")
    answer = client.post("/v1/voices", data={**CONSENT, "engine": "../starter"}, files=parts[2:])
    assert (answer.status_code, answer.json()["code"]) == (409, "engine_missing")
