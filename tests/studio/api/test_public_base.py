"""A voice of GPT-SoVITS over HTTP: the real engine on small networks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from studio.api.server import build_api
from studio.container import Container
from tests.studio.api.conftest import CONSENT, SPEECH, finished

TEXT = "How are you? It was late, and nobody came."


@pytest.fixture
def client(many_bases: Container) -> Iterator[TestClient]:
    with TestClient(build_api(many_bases), base_url="http://127.0.0.1:7860") as client:
        yield client


@pytest.fixture
def voice_id(client: TestClient, quick_audio: None) -> str:
    path = SPEECH / "2033-164914-0000.flac"
    form = {**CONSENT, "engine": "gpt_sovits_v2"}
    answer = client.post("/v1/voices", data=form, files=[("files", (path.name, path.read_bytes()))])
    assert answer.status_code == 201, answer.text
    assert finished(client, answer.json()["active_job_id"])["state"] == "done"
    return answer.json()["id"]


def test_every_control_is_obeyed_and_a_stream_is_the_same_again(
    client: TestClient, many_bases: Container, voice_id: str
) -> None:
    controls = {
        "temperature": 0.8, "top_k": 7, "top_p": 0.9, "repetition_penalty": 1.2, "cantonese": 0, "reference_free": 1,
    }  # fmt: skip

    def speak(**fields: object):
        asked = {"voice": voice_id, "input": TEXT, "response_format": "wav", "seed": 3, **fields}
        return client.post("/v1/audio/speech", json=asked)

    answer = speak(controls=controls, noise_scale=0.3, length_scale=1.2)
    assert answer.status_code == 200, answer.text
    kept = many_bases.speaking.get(answer.headers["x-voxtale-speech"]).controls
    assert kept == {**controls, "noise_scale": 0.3, "length_scale": 1.2}
    for name, value in (("top_k", 0), ("temperature", 5), ("reference_free", 2)):
        assert speak(controls={name: value}).json()["code"] == "control_out_of_range"
    streamed = speak(stream_format="audio")
    assert streamed.status_code == 200 and streamed.content == speak(stream_format="audio").content
    takes = [many_bases.speaking.get(one.headers["x-voxtale-speech"]).takes for one in (streamed, speak())]
    assert takes[0][0].key != takes[1][0].key and takes[0][1].key == takes[1][1].key
