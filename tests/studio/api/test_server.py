from __future__ import annotations

import sqlite3

import pytest
from fastapi.testclient import TestClient

from studio import __version__
from studio.api import health
from studio.api.server import MAX_JSON_BYTES
from studio.container import Container

WAY_IN = {
    ("GET", "/bases"),
    ("POST", "/bases/look"),
    ("GET", "/bases/{base_id}"),
    ("POST", "/bases/{base_id}/download"),
    ("DELETE", "/bases/{base_id}"),
    ("POST", "/stories"),
    ("GET", "/stories"),
    ("GET", "/stories/{story_id}"),
    ("DELETE", "/stories/{story_id}"),
    ("GET", "/stories/{story_id}/book.{extension}"),
    ("GET", "/stories/{story_id}/pages/{scene_id}.png"),
    ("GET", "/stories/{story_id}/pages/{scene_id}.wav"),
    ("POST", "/voices"),
    ("GET", "/voices"),
    ("GET", "/voices/{voice_id}"),
    ("DELETE", "/voices/{voice_id}"),
    ("POST", "/voices/{voice_id}/revisions"),
    ("PUT", "/voices/{voice_id}/recordings/{recording_id}/text"),
    ("POST", "/voices/{voice_id}/recordings/{recording_id}/text"),
    ("GET", "/jobs/{job_id}"),
    ("DELETE", "/jobs/{job_id}"),
    ("POST", "/audio/speech"),
    ("GET", "/audio/voices"),
    ("GET", "/models"),
    ("GET", "/engines"),
    ("POST", "/voices/import"),
    ("GET", "/voices/{voice_id}/files/{name}"),
    ("GET", "/bases"),
    ("POST", "/bases/look"),
    ("GET", "/bases/{base_id}"),
    ("POST", "/bases/{base_id}/download"),
    ("DELETE", "/bases/{base_id}"),
}


def test_the_way_in_is_this_and_no_more(client: TestClient) -> None:
    paths = client.get("/v1/openapi.json").json()["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == WAY_IN


def test_ready(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "version": __version__,
        "checks": {"database": True, "disk": True},
    }


def test_not_ready_without_a_database(
    client: TestClient, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise sqlite3.DatabaseError("file is not a database")

    monkeypatch.setattr(container.jobs, "list", broken)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "unready")
    assert answer.json()["checks"]["database"] is False


def test_not_ready_without_room(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "MIN_FREE_BYTES", 2**60)
    assert client.get("/healthz").json()["checks"] == {"database": True, "disk": False}


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/voices/a/b/c", "/v1/"])
def test_unknown_paths_are_problems(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "route_unknown")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/audio/speech"), ("PUT", "/v1/voices"), ("POST", "/v1/jobs/x")]
)
def test_wrong_methods_are_problems(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_refused")
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/voices", "GET, HEAD, POST"),
        ("/v1/voices/v", "GET, HEAD, DELETE"),
        ("/v1/audio/speech", "POST"),
        ("/v1/voices/v/recordings/r/text", "POST, PUT"),
    ],
)
def test_what_an_address_takes_is_said_whole(client: TestClient, path: str, allowed: str) -> None:
    assert client.patch(path).headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/healthz", "/v1/voices", "/v1/jobs/j"])
def test_head_tells_what_get_would(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.headers) == (get.status_code, get.headers)


def test_the_document_tells_every_field_and_how_refusals_look(client: TestClient) -> None:
    document = client.get("/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]
            assert "422" not in operation["responses"], f"{method} {path}"
    names = [
        operation["operationId"] for methods in document["paths"].values() for operation in methods.values()
    ]
    assert "create_speech" in names and len(set(names)) == len(names)
    assert "HTTPValidationError" not in document["components"]["schemas"]
    refused = client.post("/v1/voices", data={}, files={"files": b"x"}).json()
    schema = document["paths"]["/voices"]["post"]["responses"]["default"]["content"][
        "application/problem+json"
    ]
    assert set(schema["schema"]["required"]) <= set(refused) <= set(schema["schema"]["properties"])
    for path in ("/voices", "/voices/import"):
        form = document["paths"][path]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
        sent = {name: "" for name in form["properties"] if name not in ("files", "weights")}
        answer = client.post(f"/v1{path}", data={**sent, "colour": ""}, files={"files": b"x"}).json()
        assert "colour" in answer["detail"], "one that is not listed is refused, and no other"
        assert answer["detail"].count("not a field") == 1
    spoken = document["paths"]["/audio/speech"]["post"]["responses"]["200"]["content"]
    assert set(spoken) == {"audio/wav", "audio/mpeg", "audio/flac", "audio/ogg"}


def test_the_guard_stands_in_front(client: TestClient) -> None:
    assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 421
    answer = client.post("/v1/audio/speech", json={}, headers={"origin": "https://evil.example"})
    assert answer.json()["code"] == "origin_refused"


def test_only_a_form_may_be_large(client: TestClient) -> None:
    large = {"files": {"file": ("a.wav", bytes(MAX_JSON_BYTES))}}
    assert client.post("/v1/stories", **large).status_code == 202
    assert client.post("/v1/voices", **large).json()["code"] != "body_too_big"
    assert client.post("/v1/audio/speech", **large).json()["code"] == "body_too_big"
