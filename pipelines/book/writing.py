"""A file that is whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pipelines.failure import CraftError

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The earliest date a zip can hold, on every entry: equal books give equal files."""

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def legible(text: str) -> str:
    """Without the control characters that no document may hold; a transcript can bring them in."""
    return _NO_XML.sub("", text)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary neighbour of ``path`` to write to; it takes the place of ``path`` when the block ends well.

    Raises:
        CraftError: ``disk_full``. Whatever is raised, ``path`` is as it was and the neighbour is gone.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _FULL:
            raise CraftError("disk_full") from error
        raise


def _sync(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def add(archive: zipfile.ZipFile, name: str, data: bytes | str, *, packed: bool = True) -> None:
    """One entry, without date, owner or any other trace of this machine; of a text what is legible."""
    entry = zipfile.ZipInfo(name, _FIRST_DAY)
    entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, legible(data) if isinstance(data, str) else data)
