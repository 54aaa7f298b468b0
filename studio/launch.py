"""From settings to a listening studio: what is refused, what is prepared, how it starts and stops."""

from __future__ import annotations

import asyncio
import errno
import importlib
import ipaddress
import locale
import logging
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import StudioError, is_disk_full
from studio.language import nearest_language, say

if TYPE_CHECKING:
    from fastapi import FastAPI

    from studio.container import Container
    from studio.settings import Settings

GRACE_SECONDS = 5
"""What open requests have to end in when the studio stops."""
_NEEDED_SOON = ("soundfile", "scipy.signal", "torch", "matplotlib.figure")
_log = logging.getLogger(__name__)


def terminal_language() -> str:
    """The language of the person at the terminal, by ``LC_ALL``, ``LC_MESSAGES``, ``LANG`` or the system."""
    named = next(
        (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), None
    )
    return nearest_language(named or locale.getlocale()[0])


def read_settings(overrides: Mapping[str, object]) -> Settings:
    """
    Raises:
        StudioError: ``settings_invalid``, ``host_refused_without_demo``.
    """
    from pydantic import ValidationError

    from studio.settings import Settings

    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        reasons = (
            ": ".join([*map(_as_set, e["loc"]), e["msg"].removeprefix("Value error, ")])
            for e in error.errors()
        )
        raise StudioError("settings_invalid", 500, reason="; ".join(reasons)) from error
    if not (settings.public_demo or is_loopback(settings.host)):
        raise StudioError("host_refused_without_demo", 500, host=settings.host)
    return settings


def _as_set(field: object) -> str:
    """A setting by the name that a person gives it."""
    name = str(field).upper()
    return name if name in ("HOST", "PORT") else f"VOXTALE_{name}"


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def prepare_environment(home: Path) -> None:
    """Before anything heavy is imported: nothing calls out, and scratch files stay under ``home``."""
    for name in ("NO_PROXY", "no_proxy"):  # a system proxy must not stand between the page and its own server
        known = [part for part in os.environ.get(name, "").split(",") if part]
        os.environ[name] = ",".join(dict.fromkeys([*known, "localhost", "127.0.0.1", "::1"]))
    scratch = home.resolve() / "tmp"
    quiet = {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(scratch / "gradio"),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "MPLCONFIGDIR": str(scratch / "matplotlib"),
        # Threads that spin while they wait make speech 10 to 20 times slower as soon as a core is busy elsewhere; a few
        # turns before they sleep save a third of the time on idle cores and cost a sixth on crowded ones.
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "1000",
    }
    if not os.access(Path(__file__).parent, os.W_OK):  # where Numba would keep what it has compiled
        quiet["NUMBA_CACHE_DIR"] = str(scratch / "numba")
    for name, value in quiet.items():
        os.environ.setdefault(name, value)


def prepare_home(home: Path) -> None:
    """
    Raises:
        StudioError: ``home_unwritable``, ``disk_full``.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as probe:
            probe.write(b"VoxTale")
            probe.flush()
    except OSError as error:
        if is_disk_full(error):
            raise StudioError("disk_full", 507) from error
        raise StudioError("home_unwritable", 500, home=str(home.absolute()), reason=error.strerror) from error
    for path in home.glob("studio.*"):  # a studio that ran as root, in a container say, left them to root
        if not os.access(path, os.W_OK):
            reason = os.strerror(errno.EACCES)
            raise StudioError("home_unwritable", 500, home=str(path.absolute()), reason=reason)


def listen(host: str, port: int) -> socket.socket:
    """Taken before the heavy imports: a taken port is known at once, and an early browser waits instead of failing.

    Raises:
        StudioError: ``port_in_use``, ``address_unusable``.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise StudioError("address_unusable", 500, host=host, port=port, reason=str(error)) from error
    try:
        if os.name == "posix":  # on Windows the option would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise StudioError("port_in_use", 500, host=host, port=port, other=port + 1) from error
        raise StudioError("address_unusable", 500, host=host, port=port, reason=str(error)) from error
    return listener


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(
    app: FastAPI, listener: socket.socket, language: str, trusted_proxies: str, once_open: Callable[[], None]
) -> None:
    """Answer until SIGINT or SIGTERM; then finish the open requests and return. Asked a second time, also after that,
    the process ends at once: the library survives a power cut, so it survives this.

    Args:
        trusted_proxies: see ``Settings``.
        once_open: runs in a thread of its own as soon as the page answers.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            print(say("launch.ready", language, address=address(listener)), flush=True)
            threading.Thread(target=once_open, name="warm-up", daemon=True).start()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            print(say("launch.stopping", language), flush=True)
            for route in app.routes:  # every open page holds an event stream, which ends only when told to
                if isinstance(
                    stop := getattr(getattr(route, "app", None), "stop_event", None), asyncio.Event
                ):
                    stop.set()
            await super().shutdown(sockets)

        def capture_signals(self) -> AbstractContextManager[None]:
            return nullcontext()  # uvicorn's own would go with it, and closing the studio comes after

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        forwarded_allow_ips=trusted_proxies,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    server = Server(config)

    def stop(number: int, _: object) -> None:
        if server.should_exit:
            os._exit(128 + number)
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    server.run(sockets=[listener])


def _is_news(record: logging.LogRecord) -> bool:
    """A request that did not end in its grace was cancelled; that is meant, and needs no traceback."""
    return not (record.exc_info and record.exc_info[0] is asyncio.CancelledError)


def warm_up(container: Container) -> None:
    """Do behind the open page what the first recording and the first sentence would wait for."""
    try:
        for name in _NEEDED_SOON:
            importlib.import_module(name)
        with container.residency.lease(("engine", next(iter(container.engines)))):
            pass
    except Exception:  # whoever needs it first is told; here there is nobody to tell
        _log.exception("warming up did not succeed")
