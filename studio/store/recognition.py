"""Which checkpoints the files are that people bring themselves: told by content first, by neighbours last.

A hash decides where the catalogue knows one, then the names and shapes of the tensors, as safetensors and ``torch.save``
archives state them. Nothing is loaded and no pickle is run. Configurations and word lists look alike everywhere, so
they count only at their place beside weights that were recognised. A pipeline's folder is somebody's painter: its files
count only where they were published, so that none is taken apart.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.failure import CraftError
from pipelines.foreign_weights import look_into
from studio.errors import StudioError
from studio.store.catalogue import Base, BaseFile

MAX_FILES = 2_000
MAX_DEPTH = 8
MAX_HEADER_BYTES = 2**20
MAX_TENSORS = 10_000
_LIKELY = 0.02
"""A file whose size is so near to a known one is worth hashing."""
_ABOUT = 0.1
"""The catalogue rounds sizes; a file that stands for a large one without its weights is far smaller."""
_SMALL_BYTES = 32 * 2**20
"""Configurations and word lists have any size below."""

Place = tuple[Base, BaseFile]


@dataclass(frozen=True)
class Match:
    """
    Attributes:
        sha256: where it had to be computed to tell.
    """

    path: Path
    base: Base
    file: BaseFile
    sha256: str | None = None


def recognise(
    folder: Path, bases: Iterable[Base], digest: Callable[[Path], str]
) -> tuple[list[Match], list[Path]]:
    """What lies under ``folder``: the files that are known, and the others.

    Args:
        digest: SHA-256 of a file; may raise to stop.

    Raises:
        StudioError: ``incoming_too_many``.
    """
    places = [(base, file) for base in bases for file in base.files]
    matches: dict[Path, Match] = {}
    taken: set[tuple[str, str]] = set()
    found = list(_files(folder))
    shapes = {path: stored_shapes(path) for path in found}

    def take(path: Path, place: Place, sha256: str | None = None) -> None:
        base, file = place
        if path not in matches and (base.id, file.path) not in taken:
            matches[path] = Match(path, base, file, sha256)
            taken.add((base.id, file.path))

    pipelines = {path.parent for path in found if path.name == "model_index.json"}

    def may_stand(path: Path, file: BaseFile) -> bool:
        pipeline = next((folder for folder in path.parents if folder in pipelines), None)
        return pipeline is None or path == pipeline.joinpath(*file.path.split("/"))

    # 1. By hash
    hashes: dict[Path, str] = {}
    for path in found:
        size = path.stat().st_size
        known = [
            place for place in places if place[1].sha256 and abs(size - place[1].bytes) <= _LIKELY * size
        ]
        if known:
            hashes[path] = digest(path)
            for place in known:
                if place[1].sha256 == hashes[path] and may_stand(path, place[1]):
                    take(path, place, hashes[path])
    # 2. By tensors, where they leave no doubt
    for path in found:
        fitting = [place for place in places if _fits(place[1], shapes[path]) and may_stand(path, place[1])]
        if len(fitting) > 1:
            fitting = [place for place in fitting if path.name == place[1].path.rpartition("/")[2]]
        if len(fitting) == 1:
            take(path, fitting[0], hashes.get(path))
    # 3. At their place beside the weights
    roots = [(root, match.base) for match in matches.values() if (root := _root(match)) is not None]
    for root, base in roots:
        for file in base.files:
            path = root.joinpath(*file.path.split("/"))
            if path in shapes and _passes(file, path, shapes[path]):
                take(path, (base, file), hashes.get(path))
    return list(matches.values()), [path for path in found if path not in matches]


def stored_shapes(path: Path) -> Mapping[str, tuple[int, ...]]:
    """Tensor name -> shape, of safetensors or of a ``torch.save`` archive; empty for anything else."""
    with path.open("rb") as file:
        start = file.read(9)
        size = int.from_bytes(start[:8], "little")
        if start[8:] == b"{" and 0 < size <= MAX_HEADER_BYTES:
            header = b"{" + file.read(size - 1)
            return _safetensors_shapes(header, file.seek(0, os.SEEK_END) - 8 - size)
    if start[2:4] != b"\x03\x04":
        return {}
    try:
        return look_into(path).shapes
    except (CraftError, OSError):
        return {}


def _safetensors_shapes(header: bytes, held_bytes: int) -> Mapping[str, tuple[int, ...]]:
    """Of a file that holds so many bytes behind its header; none if they are not those that the header describes."""
    try:
        tensors = json.loads(header)
        tensors.pop("__metadata__", None)
        ends = [tensor["data_offsets"][1] for tensor in tensors.values()]
        if len(tensors) > MAX_TENSORS or max(ends, default=0) != held_bytes:
            return {}
        return {name: tuple(int(n) for n in tensor["shape"]) for name, tensor in tensors.items()}
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}


def _files(folder: Path) -> Iterator[Path]:
    """Ordinary files; links lead elsewhere and are left out, as is what programs hide (``.git``, ``.DS_Store``)."""
    count = 0
    for here, folders, names in os.walk(folder):
        deep = len(Path(here).relative_to(folder).parts) >= MAX_DEPTH
        folders[:] = [] if deep else sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            path = Path(here) / name
            if path.is_symlink() or not path.is_file():
                continue
            count += 1
            if count > MAX_FILES:
                raise StudioError("incoming_too_many", 422, limit=MAX_FILES)
            yield path


def _fits(file: BaseFile, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    return bool(file.shapes) and all(shapes.get(name) == shape for name, shape in file.shapes.items())


def _passes(file: BaseFile, path: Path, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether the file at its place can be what it is called. One with a known hash was told by it already."""
    if file.shapes:
        return _fits(file, shapes)
    return not file.sha256 and abs(path.stat().st_size - file.bytes) <= max(_SMALL_BYTES, _ABOUT * file.bytes)


def _root(match: Match) -> Path | None:
    """The folder in which the other files of the checkpoint should be, when this one lies where it was published."""
    inside = match.file.path.split("/")[:-1]
    folder = match.path.parent
    for name in reversed(inside):
        if folder.name != name:
            return None
        folder = folder.parent
    return folder
