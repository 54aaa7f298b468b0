"""Multipart bodies: bounded while they arrive, gone when they were used."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from studio.api.problems import install_problems
from studio.api.uploads import UploadLimits, received_form

LIMITS = UploadLimits(max_file_bytes=10_000, max_files=3, max_fields=4, max_field_bytes=100)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "arrivals"


@pytest.fixture
def client(folder: Path) -> TestClient:
    app = FastAPI()
    install_problems(app)

    @app.post("/form")
    async def form(request: Request) -> dict:
        async with received_form(request, folder, LIMITS) as form:
            return {
                "fields": form.fields,
                "files": [[f.field, f.filename, f.path.read_bytes().hex()] for f in form.files],
                "inside": all(f.path.resolve().is_relative_to(folder) for f in form.files),
            }

    return TestClient(app)


def test_fields_and_files_arrive_whole(client: TestClient, folder: Path) -> None:
    content = bytes(range(256)) * 39
    files = [
        ("files", ("一 two.wav", content)),
        ("files", ("../../etc/passwd", b"")),
        ("other", ("c", b"\r\n--x")),
    ]
    answer = client.post("/form", data={"name": "Ada 艾达", "consent": "true"}, files=files)
    body = answer.json()
    assert body["fields"] == {"name": "Ada 艾达", "consent": "true"}
    assert body["files"] == [
        ["files", "一 two.wav", content.hex()],
        ["files", "../../etc/passwd", ""],
        ["other", "c", b"\r\n--x".hex()],
    ]
    assert body["inside"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "name", [b"filename*=utf-8''%E5%A3%B0%E9%9F%B3.wav", b"filename*=\"UTF-8'zh'%E5%A3%B0%E9%9F%B3.wav\""]
)
def test_a_name_that_came_encoded_is_a_file_s(client: TestClient, name: bytes) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="files"; %b\r\n\r\nsound\r\n--x--\r\n' % name
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post("/form", content=body, headers=headers).json()
    assert answer["fields"] == {} and answer["files"] == [["files", "声音.wav", b"sound".hex()]]


@pytest.mark.parametrize(
    ("data", "files", "status", "code"),
    [
        ({}, [("files", ("a.wav", b"x" * 10_001))], 413, "file_too_big"),
        ({}, [("files", (f"{n}.wav", b"x")) for n in range(4)], 413, "form_too_many_files"),
        ({f"f{n}": "x" for n in range(5)}, [("files", ("a", b""))], 413, "form_too_many_fields"),
        ({"name": "x" * 101}, [("files", ("a", b""))], 413, "form_field_too_big"),
    ],
)
def test_limits(client: TestClient, folder: Path, data: dict, files: list, status: int, code: str) -> None:
    answer = client.post("/form", data=data, files=files)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert list(folder.iterdir()) == []


WHOLE = (
    b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\nsound\r\n'
    b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda\r\n--x--\r\n'
)


def send(client: TestClient, body: bytes, kind: str = "multipart/form-data; boundary=x"):
    return client.post("/form", content=body, headers={"content-type": kind})


def test_handmade_form_is_read(client: TestClient) -> None:
    assert send(client, WHOLE).json()["fields"] == {"name": "Ada"}


@pytest.mark.parametrize("length", [0, 1, 30, 70, 90, 130, len(WHOLE) - 5])
def test_a_form_that_breaks_off_is_refused_whole(client: TestClient, folder: Path, length: int) -> None:
    answer = send(client, WHOLE[:length])
    assert (answer.status_code, answer.json()["code"]) == (400, "form_broken")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "body", [b"nonsense", b"--y\r\n\r\n", b"--x\r\n" + b"A" * 9000 + b": b\r\n\r\n--x--\r\n"]
)
def test_nonsense_is_refused(client: TestClient, body: bytes) -> None:
    assert send(client, body).json()["code"] == "form_broken"


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "multipart/mixed; boundary=x", ""]
)
def test_other_kinds_of_body(client: TestClient, kind: str) -> None:
    answer = send(client, WHOLE, kind)
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type_refused")


def test_endless_boundary(client: TestClient) -> None:
    assert send(client, WHOLE, "multipart/form-data; boundary=" + "x" * 5000).status_code in (400, 415)
