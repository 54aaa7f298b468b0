"""What is installed of the public checkpoints, under ``models/<base>/`` with the files as published.

``<base>.voxtale.json`` beside them says which files are whole, how each was checked and which licence was agreed to.
A file counts only when it is named there and still has the size it had; whatever else lies in the folder is let alone.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from studio.errors import StudioError
from studio.store.artifacts import Artifacts
from studio.store.catalogue import BASES, Base, BaseFile
from studio.store.database import now_text
from studio.store.fetching import NOTE, PART, Fetched

MANIFEST = ".voxtale.json"
CONVERTED = "converted"
"""What an engine made of the files, in their folder; it makes that again when it needs it."""
INCOMING = "incoming"
CHECKS = ("published", "hub", "size", "own")
"""How a file was checked, the best first: against the catalogue's hash, the hub's own, its size; or it was brought by
its owner, whose file it stays."""


@dataclass(frozen=True)
class BaseState:
    """
    Attributes:
        missing: files that are not here yet.
        bytes_here: of whole files and parts.
        checks: how its files were checked (``CHECKS``) -> how many.
        agreed_at: when the licence was agreed to; None for files that people brought themselves.
    """

    base: Base
    missing: tuple[BaseFile, ...]
    bytes_here: int
    checks: Mapping[str, int] = field(default_factory=dict)
    agreed_at: str | None = None

    @property
    def installed(self) -> bool:
        return all(file.optional for file in self.missing)

    @property
    def bytes_missing(self) -> int:
        """About."""
        return 0 if self.installed else max(0, self.base.bytes - self.bytes_here)


class ModelStore:
    """
    Args:
        bases: the catalogue.
    """

    def __init__(self, artifacts: Artifacts, bases: Mapping[str, Base] = BASES) -> None:
        self.bases = bases
        self._artifacts = artifacts
        self._root = artifacts.home / "models"
        self._writing = threading.Lock()

    @property
    def incoming(self) -> Path:
        """Where people put files of their own."""
        return self._root / INCOMING

    def base(self, base_id: object) -> Base:
        """
        Raises:
            StudioError: ``model_not_listed`` (404).
        """
        base = self.bases.get(base_id) if isinstance(base_id, str) else None
        if base is None:
            raise StudioError("model_not_listed", 404)
        return base

    def folder(self, base_id: str) -> Path:
        return self._root / self.base(base_id).folder

    def installed(self, base_id: str) -> Path | None:
        """The folder of a base that is whole, with all that it needs; None otherwise."""
        whole = all(self.state(needed.id).installed for needed in self.with_needs(base_id))
        return self.folder(base_id) if whole else None

    def with_needs(self, base_id: str) -> tuple[Base, ...]:
        """What the base needs, and the base itself last."""
        base = self.base(base_id)
        return (*(self.base(needed) for needed in base.needs), base)

    def place(self, base: Base, file: BaseFile) -> Path:
        return self.folder(base.id).joinpath(*file.path.split("/"))

    def part_bytes(self, base: Base, file: BaseFile) -> int:
        """How much of a file that is not whole yet is here."""
        place = self.place(base, file)
        return _size(place.with_name(place.name + PART)) or 0

    def state(self, base_id: str) -> BaseState:
        base, manifest = self.base(base_id), self._manifest(base_id)
        files = manifest["files"]
        missing, here, checks = [], 0, {}
        for file in base.files:
            if self._is_whole(base, file, files.get(file.path)):
                checks[files[file.path]["checked"]] = checks.get(files[file.path]["checked"], 0) + 1
                here += files[file.path]["bytes"]
                continue
            missing.append(file)
            here += self.part_bytes(base, file)
        return BaseState(base, tuple(missing), here, checks, manifest["licence"].get("agreed_at"))

    def agree(self, base: Base) -> None:
        """The person agreed to the licence, now."""
        licence = {"name": base.licence.name, "url": base.licence.url, "agreed_at": now_text()}
        with self._writing:
            self._write(base, {**self._manifest(base.id), "licence": licence})

    def keep(self, base: Base, file: BaseFile, fetched: Fetched, source: str) -> None:
        """The file is in its place, whole; from now on it counts."""
        said = {
            "bytes": fetched.bytes,
            "sha256": fetched.sha256,
            "checked": fetched.checked,
            "from": source,
            "at": now_text(),
        }
        with self._writing:
            manifest = self._manifest(base.id)
            self._write(base, {**manifest, "files": {**manifest["files"], file.path: said}})

    def delete(self, base_id: str) -> None:
        """Its files, also those only begun, and the folders that are empty then.

        Raises:
            StudioError: ``base_in_use``: the system does not let go of a file (Windows, while it is loaded).
        """
        base, folder = self.base(base_id), self.folder(base_id)
        try:
            self._manifest_path(base).unlink(missing_ok=True)  # first: from now on nothing of it counts
            for file in base.files:
                place = self.place(base, file)
                for path in (place, place.with_name(place.name + PART), place.with_name(place.name + NOTE)):
                    path.unlink(missing_ok=True)
            if (folder / CONVERTED).is_dir():
                shutil.rmtree(folder / CONVERTED)
            remove_empty_folders(self._root, folder)
        except OSError as error:
            raise StudioError("base_in_use", 409, reason=error.strerror or type(error).__name__) from error

    def _is_whole(self, base: Base, file: BaseFile, said: object) -> bool:
        return isinstance(said, dict) and _size(self.place(base, file)) == said.get("bytes")

    def _manifest(self, base_id: str) -> dict:
        try:
            found = json.loads(self._manifest_path(self.base(base_id)).read_text(encoding="utf-8"))
            files = {path: said for path, said in found["files"].items() if _is_said(said)}
            return {"base": base_id, "licence": dict(found.get("licence") or {}), "files": files}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {"base": base_id, "licence": {}, "files": {}}

    def _write(self, base: Base, manifest: Mapping) -> None:
        text = json.dumps(manifest, indent=1, ensure_ascii=False)
        self._artifacts.write(self._manifest_path(base), text.encode())

    def _manifest_path(self, base: Base) -> Path:
        return self._root / base.folder / f"{base.id}{MANIFEST}"


def remove_empty_folders(root: Path, folder: Path) -> None:
    """Those under ``folder``, and itself when it is empty and not ``root``."""
    for path in (*sorted(folder.rglob("*"), reverse=True), folder):
        if path.is_dir() and not path.is_symlink() and path != root and not any(path.iterdir()):
            path.rmdir()


def _is_said(said: object) -> bool:
    return (
        isinstance(said, dict) and isinstance(said.get("bytes"), int) and isinstance(said.get("checked"), str)
    )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
