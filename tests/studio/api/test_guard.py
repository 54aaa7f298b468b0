"""A studio on loopback is within reach of every web site its owner opens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.responses import StreamingResponse

from studio.api.guard import Guard
from studio.api.problems import install_problems

JSON_LIMIT, UPLOAD_LIMIT = 1000, 5000


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    install_problems(app)
    app.state.received = 0

    @app.post("/form")
    @app.api_route("/thing", methods=["GET", "POST", "DELETE"])
    async def thing(request: Request) -> dict:
        async for chunk in request.stream():
            app.state.received += len(chunk)
        return {"bytes": app.state.received}

    @app.post("/json")
    async def json(wish: dict) -> dict:
        return wish

    @app.post("/answers-first")
    async def answers_first(request: Request) -> StreamingResponse:
        async def body():
            yield b"begun"
            async for _ in request.stream():
                pass

        return StreamingResponse(body())

    app.add_middleware(
        Guard,
        hosts=("127.0.0.1", "localhost", "::1"),
        max_json_bytes=JSON_LIMIT,
        max_upload_bytes=UPLOAD_LIMIT,
        upload_paths=("/form",),
    )
    return TestClient(app, base_url="http://127.0.0.1:7860")


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:1", "LOCALHOST", "[::1]:7860"])
def test_own_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/thing", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:7860", "", "[::2]", "a@b"]
)
def test_rebound_names_are_not(client: TestClient, host: str) -> None:
    answer = client.get("/thing", headers={"host": host})
    assert answer.status_code == 421
    assert answer.json()["code"] == "host_refused"


def test_malformed_host_is_refused_not_a_crash(client: TestClient) -> None:
    assert client.get("/thing", headers={"host": "[::1"}).status_code == 421


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_foreign_pages_change_nothing(client: TestClient, method: str, headers: dict[str, str]) -> None:
    answer = client.request(method, "/thing", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == "origin_refused"
    assert client.app.state.received == 0


@pytest.mark.parametrize(
    "headers",
    [{}, {"origin": "http://127.0.0.1:7860"}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}],
)
def test_own_page_and_programs_do(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/thing", headers=headers, content=b"x").status_code == 200


def test_announced_size_is_refused_before_reading(client: TestClient) -> None:
    answer = client.post("/thing", content=b"x" * (JSON_LIMIT + 1))
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_big"
    assert answer.headers["connection"] == "close"
    assert client.app.state.received == 0


@pytest.mark.parametrize("announced", ["-1", "1e3", "９", "0x10"])
def test_lying_length_is_refused(client: TestClient, announced: str) -> None:
    answer = client.post("/thing", content=b"", headers={"content-length": announced.encode("utf-8")})
    assert answer.status_code == 413


def test_unannounced_size_is_counted(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(1000):
            yield b"x" * 100

    answer = client.post("/thing", content=chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_big")
    assert client.app.state.received <= JSON_LIMIT


def test_uploads_have_their_own_limit(client: TestClient) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post("/form", content=b"x" * (JSON_LIMIT + 1), headers=kind).status_code == 200
    assert client.post("/form", content=b"x" * (UPLOAD_LIMIT + 1), headers=kind).status_code == 413


def test_only_where_forms_are_read_is_a_form_an_upload(client: TestClient) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post("/thing", content=b"x" * (JSON_LIMIT + 1), headers=kind)
    assert (answer.status_code, client.app.state.received) == (413, 0)


def test_a_route_that_makes_something_else_of_it_does_not_answer(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"text": "'
        for _ in range(20):
            yield b"x" * 100
        yield b'"}'

    answer = client.post("/json", content=chunks(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_big")
    assert answer.headers["connection"] == "close"
