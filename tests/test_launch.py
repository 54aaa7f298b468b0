"""The two commands, as a newcomer types them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from studio import __version__
from tests.studio_process import ROOT, StudioProcess, fetch

PAGE_READY_SECONDS = 10.0

pytestmark = pytest.mark.slow


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "app.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    with StudioProcess(tmp_path_factory.mktemp("launch") / "library") as studio:
        yield studio


def test_the_page_answers_soon(studio: StudioProcess) -> None:
    page = fetch(studio.address)
    assert "<html" in page.lower() and "gradio" in page.lower()
    # The promise is for two free cores of today. This machine may be busy, so the processor time counts, not the
    # wall's; or slow, which the import of Gradio alone shows.
    seconds = sum(_cpu_seconds(studio.process.pid))
    assert min(seconds, studio.start_seconds) < max(PAGE_READY_SECONDS, 2.5 * _gradio_seconds())


def _gradio_seconds() -> float:
    program = "import time, gradio; print(time.process_time())"
    return float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)


def _cpu_seconds(pid: int) -> tuple[float, float]:
    import psutil

    times = psutil.Process(pid).cpu_times()
    return times.user, times.system


def test_it_is_ready_and_listens_on_loopback_alone(studio: StudioProcess) -> None:
    assert '"ready"' in fetch(f"{studio.address}/healthz")
    assert studio.address.startswith("http://127.0.0.1:")
    port = int(studio.address.rpartition(":")[2])
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port)} - {"127.0.0.1", "::1"}
    for other in others:
        with socket.socket(socket.AF_INET6 if ":" in other else socket.AF_INET) as knock:
            knock.settimeout(1)
            assert knock.connect_ex((other, port)) != 0 or other.startswith("127.")


def test_a_second_studio_on_the_same_home_is_told(studio: StudioProcess) -> None:
    home = studio.log_path.with_suffix("")
    second = command("serve", "--port", "0", "--home", str(home), "--language", "en")
    assert second.returncode == 2
    assert "Traceback" not in second.stderr and str(home) in second.stderr
    assert '"ready"' in fetch(f"{studio.address}/healthz")


def test_a_taken_port_is_told(studio: StudioProcess, tmp_path: Path) -> None:
    port = studio.address.rpartition(":")[2]
    refused = command("serve", LANG="zh_CN.UTF-8", PORT=port, VOXTALE_HOME=str(tmp_path / "library"))
    assert refused.returncode == 2
    assert "端口" in refused.stderr and port in refused.stderr and "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"HOST": "0.0.0.0"}, "--public-demo"),
        ({"PORT": "seventy"}, "PORT"),
        ({"VOXTALE_HOME": "/dev/null/library"}, "/dev/null/library"),
        ({"VOXTALE_HOEM": "x"}, "VOXTALE_HOEM"),
    ],
)
def test_what_cannot_work_gets_a_sentence(environment: dict[str, str], said: str) -> None:
    refused = command("serve", LANG="en_US.UTF-8", LC_ALL="en_US.UTF-8", **environment)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("name", ["studio.db", "studio.lock", "voices"])
def test_a_library_that_cannot_be_used_gets_a_sentence(tmp_path: Path, name: str) -> None:
    in_the_way = tmp_path / name
    in_the_way.write_bytes(b"in the way " * 500) if name != "studio.lock" else in_the_way.mkdir()
    refused = command("serve", "--port", "0", "--home", str(tmp_path), "--language", "en")
    assert refused.returncode == 2
    assert str(in_the_way) in refused.stderr and "Traceback" not in refused.stderr


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_asked_and_leaves_order(tmp_path: Path, signal_number: int) -> None:
    home = tmp_path / "library"
    studio = StudioProcess(home)
    # an open event stream, as every open page holds one, must not keep the studio from ending
    with socket.create_connection(("127.0.0.1", int(studio.address.rpartition(":")[2]))) as page:
        page.sendall(b"GET /gradio_api/heartbeat/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        page.recv(100)
        assert studio.stop(signal_number, seconds=20) == 0, studio.log()
    assert "Traceback" not in studio.log()
    (database,) = home.glob("*.db")
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_what_does_not_end_in_its_grace_is_refused(tmp_path: Path) -> None:
    studio = StudioProcess(tmp_path / "library")
    with socket.create_connection(("127.0.0.1", int(studio.address.rpartition(":")[2]))) as program:
        program.sendall(b"POST /v1/audio/speech HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
        fetch(f"{studio.address}/healthz")
        assert studio.stop(signal.SIGTERM, seconds=60) == 0, studio.log()
        answer = program.makefile("rb").read()
    assert b" 503 " in answer.splitlines()[0] and b"studio_stopping" in answer


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_asked_twice_it_ends_at_once(tmp_path: Path) -> None:
    studio = StudioProcess(tmp_path / "library")
    for number in (signal.SIGINT, signal.SIGTERM):  # a pending signal is not kept twice; two of them are
        studio.process.send_signal(number)
    assert studio.process.wait(60) == 128 + signal.SIGTERM
    assert "Traceback" not in studio.log()


def test_a_demo_believes_its_proxy_alone_who_its_visitors_are(tmp_path: Path) -> None:
    environment = {"VOXTALE_TRUSTED_PROXIES": "127.0.0.2, 127.0.0.3"}
    with StudioProcess(tmp_path / "library", "--public-demo", environment=environment) as studio:

        def asks(peer: str, forwarded: str) -> httpx.Client:
            transport = httpx.HTTPTransport(local_address=peer)
            headers = {"X-Forwarded-For": forwarded}
            return httpx.Client(base_url=studio.address, transport=transport, headers=headers, timeout=60)

        def seen(peer: str, forwarded: str) -> list[str]:
            with asks(peer, forwarded) as visitor:
                stories = visitor.get("/v1/stories").raise_for_status().json()["stories"]
            return [story["text"] for story in stories if not story["sample"]]

        told = {"text": "Pip the fox ran home.", "pages": 1}
        with asks("127.0.0.2", "203.0.113.5") as visitor:
            visitor.post("/v1/stories", json=told).raise_for_status()
        assert seen("127.0.0.2", "203.0.113.5") == [told["text"]]
        assert seen("127.0.0.2", "203.0.113.5, 127.0.0.3") == [told["text"]], "one proxy behind another"
        assert seen("127.0.0.2", "198.51.100.9") == []
        assert seen("127.0.0.2", "203.0.113.5, 198.51.100.9") == [], (
            "what the visitor wrote there is not believed"
        )
        assert seen("127.0.0.4", "203.0.113.5") == [], "nor anyone who is no proxy"


def test_it_starts_without_a_network(tmp_path: Path) -> None:
    """Nothing is fetched: in a namespace whose only network is loopback, the page is the same."""
    if sys.platform != "linux" or not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("needs unshare and ip")
    program = (
        "import sys; from pathlib import Path; from tests.studio_process import StudioProcess, fetch\n"
        "with StudioProcess(Path(sys.argv[1])) as studio: print(len(fetch(studio.address)))"
    )
    script = f'ip link set lo up && exec "$0" -c \'{program}\' "$1"'
    alone = subprocess.run(
        ["unshare", "-rn", "sh", "-c", script, sys.executable, str(tmp_path / "library")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if "Operation not permitted" in alone.stderr:
        pytest.skip(f"no namespaces here: {alone.stderr.strip()}")
    assert alone.returncode == 0, alone.stderr
    assert int(alone.stdout) > 1000


def test_version_and_help() -> None:
    assert command("version").stdout == f"VoxTale {__version__}\n"
    assert "serve" in command("--help").stdout
    assert command().returncode == 2


def test_the_version_is_said_once() -> None:
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
class TestMake:
    def dry(self, venv: Path, target: str) -> list[str]:
        # What a make that runs this test was told is none of this one's business.
        inherited = ("ARGS", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
        plan = subprocess.run(
            ["make", "--dry-run", f"VENV={venv}", target],
            env={name: value for name, value in os.environ.items() if name not in inherited},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return plan.stdout.splitlines()

    def test_a_first_run_installs(self, tmp_path: Path) -> None:
        plan = "\n".join(self.dry(tmp_path / "venv", "test"))
        order = [
            plan.index(part)
            for part in ("-m venv", "-r requirements.txt", "-r requirements-dev.txt", "-m pytest")
        ]
        assert order == sorted(order)

    def test_a_second_run_installs_nothing(self, tmp_path: Path) -> None:
        for stamp in ("pyvenv.cfg", "product.stamp", "dev.stamp"):
            (tmp_path / stamp).touch()
        assert self.dry(tmp_path, "run") == [f"exec {tmp_path}/bin/python app.py serve "]
        (test,) = self.dry(tmp_path, "test")
        assert test.startswith(f"exec {tmp_path}/bin/python -m pytest ")

    def test_changed_requirements_are_installed(self, tmp_path: Path) -> None:
        for stamp in ("pyvenv.cfg", "product.stamp", "dev.stamp"):
            (tmp_path / stamp).touch()
        os.utime(tmp_path / "product.stamp", (0, 0))
        assert "pip install" in "\n".join(self.dry(tmp_path, "run"))
