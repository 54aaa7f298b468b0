"""RFC 9457 in the language of the caller."""

from __future__ import annotations

import json
import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict, Field

from pipelines.failure import CraftError
from studio.api.problems import install_problems, reader_language
from studio.api.server import build_api
from studio.container import Container
from studio.errors import StudioError


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str
    speed: float = Field(1.0, ge=0.25, le=4.0)


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    install_problems(app)

    @app.get("/studio")
    def studio() -> None:
        raise StudioError("body_too_big", 413, limit_mb=4.0)

    @app.get("/craft")
    def craft() -> None:
        raise CraftError("text_unspeakable", text="🙂")

    @app.get("/surprise")
    def surprise() -> None:
        raise RuntimeError("the secret of the house")

    @app.post("/wish")
    def wish(wish: Wish) -> None: ...

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,zh;q=0.9", "en"),
        ("en;q=0.2, zh;q=0.7", "zh"),
        ("fr, zh-Hant;q=0.5", "zh"),
        ("fr,de", "en"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh;q=tomorrow", "en"),
        ("*", "en"),
        (";;;,,,=q", "en"),
    ],
)
def test_reader_language(header: str | None, language: str) -> None:
    assert reader_language(header) == language


def test_members_of_the_rfc_and_ours(client: TestClient) -> None:
    answer = client.get("/studio")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-language"] == "en"
    body = answer.json()
    assert body["type"] == "urn:voxtale:problem:body_too_big"
    assert body["status"] == answer.status_code == 413
    assert body["code"] == "body_too_big"
    assert "4 MB" in body["detail"]
    assert body["title"] and body["next"]
    assert body["facts"] == {"limit_mb": 4.0}


def test_same_problem_in_chinese(client: TestClient) -> None:
    english = client.get("/studio").json()
    answer = client.get("/studio", headers={"accept-language": "zh-CN"})
    chinese = answer.json()
    assert answer.headers["content-language"] == "zh"
    assert chinese["code"] == english["code"]
    assert all("\u4e00" <= chinese[part][0] <= "\u9fff" for part in ("title", "detail", "next"))


def test_a_craft_that_cannot_is_the_requests_fault(client: TestClient) -> None:
    answer = client.get("/craft")
    assert answer.status_code == 422
    assert answer.json()["code"] == "text_unspeakable"
    assert "🙂" in answer.json()["detail"]


def test_surprises_keep_their_secrets(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = client.get("/surprise")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    incident = answer.json()["instance"].rpartition(":")[2]
    assert incident in caplog.text and "the secret of the house" in caplog.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "text is missing"),
        ({"text": "a", "speed": 9}, "speed must be at most 4.0"),
        ({"text": "a", "speed": 0}, "speed must be at least 0.25"),
        ({"text": "a", "colour": 1}, "colour is not a field"),
        ({"text": 5}, "text must be a text"),
    ],
)
def test_fields_are_named_with_their_limits(client: TestClient, body: dict, said: str) -> None:
    answer = client.post("/wish", json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "request_invalid"
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input", 5),
        ("input", "\ud800"),
        ("speed", "fast"),
        ("speed", None),
        ("seed", 1.5),
        ("seed", "x"),
        ("response_format", "aac"),
        ("controls", [1]),
        ("controls", {"a\ud800": 1}),
        ("controls", {str(number): 1 for number in range(30)}),
        ("half\ud800", 1),
    ],
)
def test_chinese_refusals_are_chinese(container: Container, field: str, value: object) -> None:
    client = TestClient(build_api(container), base_url="http://127.0.0.1:7860", raise_server_exceptions=False)
    body = json.dumps({"voice": "v", "input": "a", field: value})
    headers = {"content-type": "application/json", "accept-language": "zh"}
    answer = client.post("/v1/audio/speech", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")
    said = answer.json()["detail"]
    for known in (field.encode(errors="replace").decode(), "Unicode", "wav", "mp3", "flac", "opus", "[key]"):
        said = said.replace(known, "")
    assert not re.search(r"[a-z]{2}", said), said


def test_a_body_that_is_no_text_is_refused_in_chinese(client: TestClient) -> None:
    headers = {"content-type": "application/json", "accept-language": "zh"}
    answer = client.post("/wish", content=b"\xff", headers=headers)
    assert answer.json()["code"] == "request_refused"
    assert "parsing" not in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 50_000, b'{"text": NaN}', b"null"])
def test_broken_json_is_a_problem_not_a_crash(client: TestClient, body: bytes) -> None:
    answer = client.post("/wish", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    json.loads(answer.content)


def test_unknown_route_and_method(client: TestClient) -> None:
    assert client.get("/nowhere").json()["code"] == "route_unknown"
    answer = client.delete("/wish")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_refused")
    assert "POST" in answer.headers["allow"]
