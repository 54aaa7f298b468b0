"""The public bases that somebody put into a folder: found by their shapes, converted once, offered when complete.

The folder may be laid out as its owner likes; the official tree is fine. Beside the owner's files stands
``converted``: one ``<key>.json`` for each file says what it is, or why it is refused, and ``<key>/`` holds its weights
as safetensors. The key follows from path, size and time of change, so a changed file is looked at anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.failure import CraftError
from pipelines.foreign_weights import convert, look_into
from pipelines.speech.gpt_sovits.official_files import (
    CONTENT,
    DISCRIMINATOR,
    SOVITS,
    SPEAKER_VERIFICATION,
    TEXT,
    TEXT2SEMANTIC,
    VERSIONS,
    OfficialFile,
    recognise,
)

CONVERTED = "converted"
SUFFIXES = (".pth", ".ckpt", ".bin")
MAX_FILES = 200
MAX_SIDE_FILE_BYTES = 4 * 2**20
_SIDE_FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "preprocessor_config.json",
)
_V2PRO_SEMANTIC = "s1v3"
_PLUS = "Plus"
"""The discriminators of v2Pro and v2ProPlus have the same shapes, too; their names decide."""
_PASSING_TROUBLES = ("checkpoint_timeout",)
"""What a file is refused for that may go well the next time."""
_converting = threading.Lock()
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Base:
    """One file of the folder.

    Attributes:
        source: the file.
        home: the folder that ``weights`` fills.
        parameters: how many numbers it holds.
    """

    source: Path
    home: Path
    file: OfficialFile
    parameters: int

    def weights(self) -> Path:
        """A folder with ``model.safetensors``, ``facts.json`` (what the file said beside its weights, and ``sha256``)
        and, of a HuBERT or BERT, its own settings. Made when it is first asked for.

        Raises:
            CraftError: as ``pipelines.foreign_weights.convert``, and ``base_incomplete``: its file is gone.
        """
        if not self._is_converted:
            with _converting:
                if not self._is_converted:
                    self._convert()
        return self.home

    @property
    def _is_converted(self) -> bool:
        return (self.home / "facts.json").exists()

    def _convert(self) -> None:
        if not self.source.is_file():
            version = self.file.version or ", ".join(VERSIONS)  # the others are shared
            raise CraftError(
                "base_incomplete",
                version=version,
                missing=self.source.name,
                folder=str(self.home.parent.parent),
            )
        # The folder goes with a model that its owner deletes, also while others of the family are in use.
        self.home.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.home.parent, prefix=f"{self.home.name}.") as folder:
            made = Path(folder) / "made"
            made.mkdir()
            found = convert(self.source, made / "model.safetensors")
            for name in _SIDE_FILES if self.file.kind in (CONTENT, TEXT) else ():
                beside = self.source.with_name(name)
                if beside.is_file() and beside.stat().st_size <= MAX_SIDE_FILE_BYTES:
                    shutil.copyfile(beside, made / name)
            facts = {**found.facts, "sha256": file_sha256(made / "model.safetensors")}
            (made / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
            shutil.rmtree(self.home, ignore_errors=True)
            os.replace(made, self.home)


@dataclass(frozen=True)
class Parts:
    """What one version speaks with; ``text`` is None where Chinese cannot be read. Only training asks for the
    ``discriminator``, and does without it."""

    text2semantic: Base
    sovits: Base
    content: Base
    text: Base | None
    speaker_verification: Base | None
    discriminator: Base | None = None

    @property
    def voice_weights(self) -> dict[str, Base]:
        """Kind -> what a voice may bring of its own."""
        return {TEXT2SEMANTIC: self.text2semantic, SOVITS: self.sovits}

    @property
    def parameters(self) -> int:
        """Of all that speaking needs."""
        spoken_with = {**vars(self), "discriminator": None}
        return sum(base.parameters for base in spoken_with.values() if base is not None)


class Bases:
    """What the folder holds now. Looking at a new file takes a fraction of a second; a known one, nothing.

    Attributes:
        found: every usable file.
        refused: name of a file -> why it cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: list[Base] = []
        self.refused: dict[str, CraftError] = {}
        for path in _files(folder):
            try:
                self._look_at(path)
            except OSError as error:  # somebody else's file, or a full disk: the studio starts all the same
                _log.warning("%s was left out: %s", path, error)

    def parts(self, version: str) -> Parts:
        """
        Raises:
            CraftError: ``base_incomplete``, naming what is missing.
        """
        sovits = self._first(SOVITS, version)
        semantic = self._semantic(version)
        content, text = self._first(CONTENT), self._first(TEXT)
        speaker = self._first(SPEAKER_VERIFICATION) if version != "v2" else None
        wanted = {f"SoVITS {version} (.pth)": sovits, "GPT (.ckpt)": semantic, "chinese-hubert-base": content}
        if version != "v2":
            wanted["ERes2NetV2 (.ckpt)"] = speaker
        missing = [name for name, base in wanted.items() if base is None]
        if missing:
            raise CraftError(
                "base_incomplete", version=version, missing=", ".join(missing), folder=str(self.folder)
            )
        return Parts(semantic, sovits, content, text, speaker, self._discriminator(version))

    def forget_others(self) -> None:
        """Remove what was converted from files that are gone or were changed, and what a killed process began. Nothing
        of the folder may be in use."""
        known = {base.home.name for base in self.found}
        for folder in (self.folder / CONVERTED).glob("*/"):
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def _first(self, kind: str, version: str | None = None) -> Base | None:
        """Of several, one that can be trained, and is called as the published ones are."""
        found = [base for base in self.found if base.file == OfficialFile(kind, version)]
        return max(
            found, key=lambda base: (base.file.posterior, base.source.name.startswith("s2G")), default=None
        )

    def _semantic(self, version: str) -> Base | None:
        """Somebody's voice, which has the same shapes, is not preferred to one that is called as the published are."""
        semantic = [base for base in self.found if base.file.kind == TEXT2SEMANTIC]
        semantic.sort(
            key=lambda base: (
                not base.source.name.startswith("s1"),
                (_V2PRO_SEMANTIC in base.source.name) == (version == "v2"),
            )
        )
        return next(iter(semantic), None)

    def _discriminator(self, version: str) -> Base | None:
        kind = OfficialFile(DISCRIMINATOR, "v2" if version == "v2" else "v2Pro")
        found = [base for base in self.found if base.file == kind]
        found.sort(key=lambda base: (_PLUS in base.source.name) != (version == "v2ProPlus"))
        return next(iter(found), None)

    def _look_at(self, path: Path) -> None:
        name, state = path.relative_to(self.folder).as_posix(), path.stat()
        said = os.fsencode(f"{name} {state.st_size} {state.st_mtime_ns}")  # a name need not be UTF-8
        key = hashlib.sha256(said).hexdigest()[:16]
        converted = self.folder / CONVERTED
        card = converted / f"{key}.json"
        facts = _known(card)
        if facts is None:
            facts = {"name": name, **_described(path)}
            if facts.get("code") not in _PASSING_TROUBLES:
                converted.mkdir(exist_ok=True)
                _write(card, facts)
        if "code" in facts:
            self.refused[name] = CraftError(facts["code"], **facts["facts"])
        else:
            self.found.append(Base(path, converted / key, OfficialFile(**facts["file"]), facts["parameters"]))


def facts_of(folder: Path) -> dict[str, Any]:
    """What a file said beside its weights, and their ``sha256``; ``folder`` is one that ``Base.weights`` made."""
    return json.loads((folder / "facts.json").read_text(encoding="utf-8"))


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    paths = (path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    yield from sorted(path for path in paths if folder / CONVERTED not in path.parents)[:MAX_FILES]


def _described(path: Path) -> dict[str, Any]:
    try:
        shapes = look_into(path).shapes
        parameters = sum(math.prod(shape) for shape in shapes.values())
        return {"file": asdict(recognise(shapes)), "parameters": parameters}
    except CraftError as error:
        return {"code": error.code, "facts": error.facts}


def _known(card: Path) -> Mapping[str, Any] | None:
    try:
        facts = json.loads(card.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    # One that an older studio wrote does not say all that is asked now.
    return facts if "code" in facts or "posterior" in facts["file"] else None


def _write(path: Path, facts: Mapping[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(facts), encoding="utf-8")
    os.replace(temporary, path)
