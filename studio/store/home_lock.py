"""One studio a library: two would run the same jobs twice."""

from __future__ import annotations

import os
from pathlib import Path

from studio.errors import StudioError


class HomeLock:
    """Held until ``release`` or the end of the process, however it ends: the system itself lets go of it.

    Raises:
        StudioError: ``home_in_use``.
    """

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._file = (home / "studio.lock").open("a+b")
        try:
            _lock(self._file.fileno())
        except OSError as error:
            self._file.close()
            raise StudioError("home_in_use", 409, home=str(home)) from error

    def release(self) -> None:
        self._file.close()


if os.name == "nt":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
