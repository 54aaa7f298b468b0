"""Checkpoints that other programs wrote with ``torch.save``: looked into and rewritten as safetensors.

Such a file is an uncompressed zip archive: a pickle that describes the tensors, and one entry of raw bytes for each
storage. The pickle is read by ``foreign_pickle``, the bytes are checked against what it says, and neither torch nor
any pickled code takes part. One storage is in memory at a time.

GPT-SoVITS marks its newer voices by overwriting the first two bytes, ``PK``, with two digits; they are read back.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from models.foreign_pickle import (
    MAX_PICKLE_BYTES,
    ForeignCheckpointError,
    StoredTensor,
    plain_facts,
    read_pickle,
)

MAX_ENTRIES = 20_000
MAX_DIRECTORY_BYTES = 4 * 2**20
MAX_TENSORS = 10_000
MAX_STORAGE_BYTES = 512 * 2**20
"""The largest storage of a supported checkpoint, a word table or a speaker projection in fp32, has 90 MB."""
MAX_SHARING = 4
"""Weights may stand under several names, but not so often that a small file becomes a large one."""
MARKS = (b"00", b"01", b"02", b"03", b"04", b"05", b"06")
_LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_WEIGHTS = ("weight", "model", "state_dict")
"""Where checkpoints keep them; some are nothing but weights."""


@dataclass(frozen=True)
class Contents:
    """What a checkpoint holds.

    Attributes:
        tensors: name -> where it lies.
        facts: what stands beside the weights (``config``, ``info`` ...), plain JSON data.
    """

    tensors: Mapping[str, StoredTensor]
    facts: Mapping[str, Any]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tensor.shape for name, tensor in self.tensors.items()}


class ForeignCheckpoint:
    """An opened file; use it as a context manager.

    Raises:
        ForeignCheckpointError: ``checkpoint_unknown`` (no such archive), ``checkpoint_legacy``, ``checkpoint_unsafe``,
            ``checkpoint_broken``, ``checkpoint_lies``, ``checkpoint_not_finite``.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        try:
            self._archive = _archive(self._file)
            self._entries = _entries(self._archive)
            self.contents = self._described()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> ForeignCheckpoint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write_safetensors(self, path: Path) -> None:
        """All tensors, contiguous, in the types they have; floats must be finite. The same tensors make the same file,
        however they were stored."""
        # by size of item, so that every tensor starts at a multiple of it
        tensors = sorted(
            self.contents.tensors.items(),
            key=lambda named: (-named[1].dtype.itemsize, named[0]),
        )
        header: dict[str, dict[str, Any]] = {"__metadata__": {"format": "pt"}}  # transformers insists on it
        end = 0
        for name, tensor in tensors:
            span = [end, end + tensor.nbytes]
            header[name] = {"dtype": tensor.type_name, "shape": list(tensor.shape), "data_offsets": span}
            end += tensor.nbytes
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with path.open("wb") as out:
            out.write(len(text).to_bytes(8, "little") + text)
            for name, array in self._arrays(tensors):
                _check_finite(name, array, header[name]["dtype"])
                out.write(np.ascontiguousarray(array).data)

    def _described(self) -> Contents:
        if "byteorder" in self._entries and self._read("byteorder", limit=16) != b"little":
            raise ForeignCheckpointError("checkpoint_unknown")
        found = read_pickle(self._read("data.pkl", limit=MAX_PICKLE_BYTES))
        if not isinstance(found, dict):
            raise ForeignCheckpointError("checkpoint_unknown")
        weights = next((found[key] for key in _WEIGHTS if isinstance(found.get(key), dict)), None)
        facts = {key: value for key, value in found.items() if value is not weights} if weights else {}
        weights = found if weights is None else weights
        tensors = {name: tensor for name, tensor in weights.items() if isinstance(tensor, StoredTensor)}
        if not tensors or len(tensors) != len(weights) or not all(map(_is_name, tensors)):
            raise ForeignCheckpointError("checkpoint_unknown")
        self._check(tensors)
        kept = {key: facts[key] for key in ("config", "info") if key in facts}
        return Contents(tensors, plain_facts(kept))

    def _check(self, tensors: Mapping[str, StoredTensor]) -> None:
        """Every tensor lies inside its storage, and all of them together are not larger than the file lets expect."""
        if len(tensors) > MAX_TENSORS:
            raise ForeignCheckpointError("checkpoint_lies", what="tensors")
        total = sum(tensor.nbytes for tensor in tensors.values())
        if total > MAX_SHARING * self._file.seek(0, 2):
            raise ForeignCheckpointError("checkpoint_lies", what="tensors")
        for name, tensor in tensors.items():
            entry = self._entries.get(f"data/{tensor.storage}")
            if entry is None:
                raise ForeignCheckpointError("checkpoint_broken")
            last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
            held = min(tensor.storage_items, entry.file_size // tensor.dtype.itemsize)
            if tensor.items and (last >= held or tensor.items > held):
                raise ForeignCheckpointError("checkpoint_lies", what=name)

    def _arrays(self, tensors: list[tuple[str, StoredTensor]]) -> Iterator[tuple[str, np.ndarray]]:
        held, storage = None, np.empty(0)
        for name, tensor in tensors:
            dtype = tensor.dtype
            if held != (tensor.storage, tensor.kind):
                raw = self._read(f"data/{tensor.storage}", limit=MAX_STORAGE_BYTES)
                storage = np.frombuffer(raw, dtype, count=len(raw) // dtype.itemsize)
                held = tensor.storage, tensor.kind
            strides = [step * dtype.itemsize for step in tensor.strides]
            yield name, np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides)

    def _read(self, name: str, limit: int) -> bytes:
        if name not in self._entries:
            raise ForeignCheckpointError("checkpoint_unknown")
        if self._entries[name].file_size > limit:
            raise ForeignCheckpointError("checkpoint_lies", what=name)
        try:
            return self._archive.read(self._entries[name])
        except (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError) as error:
            raise ForeignCheckpointError("checkpoint_broken") from error


class _Restored:
    """A file whose first two bytes read ``PK``.

    Attributes:
        largest_read: what may be asked for at once; the directory of an archive is read at one go.
    """

    def __init__(self, file: BinaryIO, largest_read: int) -> None:
        self._file = file
        self.largest_read = largest_read
        self.seek, self.tell = file.seek, file.tell

    def read(self, count: int = -1) -> bytes:
        if count > self.largest_read:
            raise ForeignCheckpointError("checkpoint_lies", what="zip")
        position = self._file.tell()
        data = self._file.read(count)
        return b"PK"[position : position + len(data)] + data[2 - position :] if position < 2 else data

    def seekable(self) -> bool:
        return True


def _archive(file: BinaryIO) -> zipfile.ZipFile:
    start = file.read(len(_LEGACY))
    if start == _LEGACY:
        raise ForeignCheckpointError("checkpoint_legacy")
    if start[:2] not in (b"PK", *MARKS) or start[2:4] != b"\x03\x04":
        raise ForeignCheckpointError("checkpoint_unknown")
    file.seek(0)
    restored = _Restored(file, MAX_DIRECTORY_BYTES)
    try:
        archive = zipfile.ZipFile(restored)
        restored.largest_read = MAX_STORAGE_BYTES
        return archive
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
        raise ForeignCheckpointError("checkpoint_broken") from error


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """By their names inside the archive's one folder."""
    listed = archive.infolist()
    if len(listed) > MAX_ENTRIES:
        raise ForeignCheckpointError("checkpoint_lies", what="zip")
    folder = listed[0].filename.partition("/")[0] if listed else ""
    entries = {}
    for entry in listed:
        top, _, name = entry.filename.partition("/")
        if top != folder or name in entries:
            raise ForeignCheckpointError("checkpoint_broken")
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise ForeignCheckpointError("checkpoint_lies", what=name[:80])
        entries[name] = entry
    return entries


def _is_name(name: object) -> bool:
    return (
        isinstance(name, str) and re.fullmatch(r"[\w.:-]{1,200}", name) is not None and name != "__metadata__"
    )


def _check_finite(name: str, array: np.ndarray, tag: str) -> None:
    finite = (array & 0x7F80 != 0x7F80).all() if tag == "BF16" else np.isfinite(array).all()
    if not finite:
        raise ForeignCheckpointError("checkpoint_not_finite", name=name)
