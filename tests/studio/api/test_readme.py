"""The READMEs' programs, run as they stand against a studio that listens."""

from __future__ import annotations

import re
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
import uvicorn

from studio.api.server import build_api
from studio.container import Container
from studio.launch import address, listen
from tests.studio.api.conftest import SPEECH

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def base_url(container: Container) -> Iterator[str]:
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(build_api(container), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield address(listener)
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_program_works(
    readme: str, base_url: str, container: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / readme).read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    before = [voice.id for voice in container.voices.list()]
    shutil.copy(sorted(SPEECH.glob("LJ001-*.flac"))[0], tmp_path / "one-minute.flac")
    monkeypatch.chdir(tmp_path)
    exec(compile(program.replace("http://127.0.0.1:7860", base_url), readme, "exec"), {})
    assert soundfile.info("fox.wav").duration > 0.5
    assert zipfile.is_zipfile("pip.epub")
    assert [voice.id for voice in container.voices.list()] == before
