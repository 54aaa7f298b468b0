"""``python app.py doctor``: what is missing or does not fit on this machine, in plain words, and how to mend it.

Runs with nothing but the standard library, because what it looks for may be a broken installation.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from pipelines.failure import CraftError
from studio import __version__
from studio.errors import StudioError
from studio.language import say
from studio.launch import listen, prepare_home, read_settings
from studio.serving.machine import memory_bytes

ROOT = Path(__file__).resolve().parent.parent
MIN_MEMORY_BYTES = 4 * 2**30
MIN_DISK_BYTES = 200 * 2**20
GOOD_DISK_BYTES = 2 * 2**30
MOST_REFUSED = 10
_CHINESE_FONTS = re.compile(
    r"cjk|source ?han|wqy|wenquanyi|msyh|simsun|simhei|dengxian|deng\.ttf|pingfang|heiti|hiragino sans gb|droidsansfallback|uming|ukai",
    re.IGNORECASE,
)
_MARKS = {"good": ("✓", "[ok]"), "note": ("•", "[--]"), "bad": ("✗", "[!!]")}
_TORCH_PROBE = """
import json, torch, torchaudio
torchaudio.functional.resample(torch.zeros(64), 2, 1)
cuda = torch.cuda.is_available()
print(json.dumps({
    "torch": torch.__version__, "torchaudio": torchaudio.__version__, "built_for": torch.version.cuda,
    "gpu": torch.cuda.get_device_name(0) if cuda else None,
    "gpu_gb": torch.cuda.get_device_properties(0).total_memory / 2**30 if cuda else 0,
}))
"""


@dataclass(frozen=True)
class Finding:
    """
    Attributes:
        level: ``good``, ``note`` (works without) or ``bad``.
        key: its sentence is ``doctor.<key>``; unless good, the way to mend it is ``doctor.<key>.mend``.
    """

    level: str
    key: str
    facts: Mapping[str, object] = field(default_factory=dict)

    def lines(self, language: str, plain: bool) -> Iterator[str]:
        yield f" {_MARKS[self.level][plain]} {say(f'doctor.{self.key}', language, **self.facts)}"
        if self.level != "good":
            yield f"      → {say(f'doctor.{self.key}.mend', language, **self.facts)}".replace(
                "→", "->" if plain else "→"
            )


def run_doctor(overrides: Mapping[str, object], language: str) -> int:
    """Print every finding; 1 when one of them keeps the studio from working, else 0."""
    plain = not _prints(_MARKS["good"][0])
    print(say("doctor.title", language, version=__version__))
    worst = 0
    for finding in examine(overrides, language):
        print("\n".join(finding.lines(language, plain)), flush=True)
        worst = max(worst, finding.level == "bad")
    print(say("doctor.sick" if worst else "doctor.healthy", language))
    return int(worst)


def examine(overrides: Mapping[str, object], language: str) -> Iterator[Finding]:
    yield python(sys.version_info[:3], sys.maxsize)
    yield from packages(ROOT / "requirements.txt")
    yield from torch_pair([sys.executable, "-c", _TORCH_PROBE])
    yield memory(memory_bytes())
    yield chinese_font()
    yield Finding("good", "ffmpeg.found") if shutil.which("ffmpeg") else Finding("note", "ffmpeg.missing")
    yield assets(ROOT / "assets")
    try:
        settings = read_settings(overrides)
        prepare_home(settings.home)
    except ModuleNotFoundError:  # said above, with the package's name
        return
    except StudioError as error:
        yield _refused(error, language)
        return
    yield disk(settings.home, shutil.disk_usage(settings.home).free)
    yield database(settings.home)
    yield pronunciations(settings.home)
    yield from speech_models(settings.home / "models" / "gpt_sovits", language)
    yield port(settings.host, settings.port, language)


def python(version: tuple[int, int, int], word: int) -> Finding:
    facts = {"version": ".".join(map(str, version)), "bits": word.bit_length() + 1}
    fits = (3, 11) <= version[:2] <= (3, 12) and word > 2**32
    return Finding("good", "python.good", facts) if fits else Finding("bad", "python.unfit", facts)


def packages(requirements: Path) -> Iterator[Finding]:
    """Every line of the file against what is installed."""
    missing, unfit = [], []
    lines = [line.split("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines()]
    for line in filter(None, lines):
        name = re.match(r"[\w.-]+", line)[0]
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if not _satisfies(line, installed):
            unfit.append(f"{name} {installed} ({line})")
    facts = {"python": sys.executable, "requirements": requirements}
    if missing:
        yield Finding("bad", "packages.missing", {**facts, "names": ", ".join(missing)})
    if unfit:
        yield Finding("bad", "packages.unfit", {**facts, "names": ", ".join(unfit)})
    if not (missing or unfit):
        yield Finding("good", "packages.good", {"count": len([*filter(None, lines)])})


def _satisfies(line: str, installed: str) -> bool:
    try:
        from packaging.requirements import Requirement
    except ModuleNotFoundError:  # packaging itself comes with the packages that are then missing
        return True
    return Requirement(line).specifier.contains(installed, prereleases=True)


def torch_pair(probe: list[str]) -> Iterator[Finding]:
    """In a process of its own: a mismatched pair may bring the interpreter down."""
    pins = {"python": sys.executable, "pins": _torch_pins()}
    try:
        outcome = subprocess.run(probe, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        yield Finding("bad", "torch.broken", {**pins, "reason": "import torch, torchaudio: > 120 s"})
        return
    if outcome.returncode:
        said = [line for line in outcome.stderr.splitlines() if line.strip()] or [
            f"exit {outcome.returncode}"
        ]
        yield Finding("bad", "torch.broken", {**pins, "reason": said[-1][:300]})
        return
    found = json.loads(outcome.stdout.splitlines()[-1])
    same = found["torch"].split("+")[0] == found["torchaudio"].split("+")[0]
    yield (
        Finding("good", "torch.good", found) if same else Finding("bad", "torch.mismatch", {**pins, **found})
    )
    if found["gpu"]:
        yield Finding("good", "gpu.found", found)
    elif shutil.which("nvidia-smi"):
        yield Finding("note", "gpu.unused", {**pins, "built_for": found["built_for"] or "CPU"})
    else:
        yield Finding("good", "gpu.none")


def _torch_pins() -> str:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return " ".join(line for line in lines if line.startswith(("torch==", "torchaudio==")))


def memory(total: int | None) -> Finding:
    facts = {"total": (total or 0) / 2**30, "wanted": MIN_MEMORY_BYTES / 2**30}
    if total is None:
        return Finding("note", "memory.unknown", facts)
    return (
        Finding("good", "memory.enough", facts)
        if total >= MIN_MEMORY_BYTES
        else Finding("note", "memory.little", facts)
    )


def chinese_font(folders: tuple[Path, ...] | None = None) -> Finding:
    """By name, in the folders where systems keep fonts."""
    if folders is None:
        home = Path.home()
        folders = tuple(
            Path(folder)
            for folder in (
                "/usr/share/fonts",
                "/usr/local/share/fonts",
                home / ".fonts",
                home / ".local/share/fonts",
                "/System/Library/Fonts",
                "/Library/Fonts",
                home / "Library/Fonts",
                Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts",
            )
        )
    files = (path for folder in folders if folder.is_dir() for path in folder.rglob("*.[toTO][tT][fcFC]"))
    found = next((path for path in files if _CHINESE_FONTS.search(path.name)), None)
    return Finding("good", "font.found", {"font": found.name}) if found else Finding("note", "font.missing")


def assets(folder: Path) -> Finding:
    """Every file opens; every weight file is as long as its own header says."""
    weights, broken = 0, []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            with path.open("rb") as file:
                start = file.read(8)
                if path.suffix == ".safetensors":
                    weights += 1
                    header = file.read(min(int.from_bytes(start, "little"), 2**24))
                    end = max(
                        tensor["data_offsets"][1]
                        for name, tensor in json.loads(header).items()
                        if name[0] != "_"
                    )
                    if path.stat().st_size != 8 + len(header) + end:
                        broken.append(path.name)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            broken.append(path.name)
    facts = {"folder": folder, "weights": weights, "names": ", ".join(broken[:8])}
    if broken:
        return Finding("bad", "assets.broken", facts)
    return Finding("good", "assets.good", facts) if weights else Finding("bad", "assets.missing", facts)


def disk(home: Path, free: int) -> Finding:
    facts = {"home": home.absolute(), "free": free / 2**30, "wanted": GOOD_DISK_BYTES / 2**30}
    if free < MIN_DISK_BYTES:
        return Finding("bad", "disk.full", facts)
    return (
        Finding("note", "disk.little", facts)
        if free < GOOD_DISK_BYTES
        else Finding("good", "disk.enough", facts)
    )


def database(home: Path) -> Finding:
    files = [path for path in sorted(home.glob("*")) if path.suffix in (".db", ".sqlite", ".sqlite3")]
    for path in files:
        try:
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
            with closing(connection):
                verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            verdict = str(error)
        if verdict != "ok":
            return Finding("bad", "database.broken", {"path": path.absolute(), "reason": verdict[:200]})
    facts = {"home": home.absolute()}
    return Finding("good", "database.good", facts) if files else Finding("good", "database.new", facts)


def pronunciations(home: Path) -> Finding:
    from studio.store.pronunciations import FILE_NAME, read_lexicon

    try:
        lexicon = read_lexicon(home / FILE_NAME)
    except OSError:
        return Finding("good", "pronunciations.none", {"path": (home / FILE_NAME).absolute()})
    facts = {"path": (home / FILE_NAME).absolute(), "count": len(lexicon.words) + len(lexicon.phrases)}
    if not lexicon.bad_lines:
        return Finding("good", "pronunciations.good", facts)
    lines = "; ".join(f"{bad.number}: {bad.text}" for bad in lexicon.bad_lines[:5])
    return Finding("note", "pronunciations.unread", {**facts, "lines": lines, "bad": len(lexicon.bad_lines)})


def speech_models(folder: Path, language: str) -> Iterator[Finding]:
    """What keeps the files of GPT-SoVITS in ``folder`` from speaking; nothing where there are none."""
    from pipelines.speech.gpt_sovits.bases import Bases
    from pipelines.speech.gpt_sovits.official_files import SOVITS, VERSIONS

    bases = Bases(folder)
    for name, error in list(bases.refused.items())[:MOST_REFUSED]:
        yield _left_out(f"models/gpt_sovits/{name}", error, language)
    here = {base.file.version for base in bases.found if base.file.kind == SOVITS}
    for version in [version for version in VERSIONS if version in here] or VERSIONS[:1] * bool(bases.found):
        try:
            bases.parts(version)
        except CraftError as error:
            yield _left_out("models/gpt_sovits", error, language)
        else:
            yield Finding("good", "models.complete", {"version": version})


def _left_out(name: str, error: CraftError, language: str) -> Finding:
    said = StudioError(error.code, 422, **error.facts).sentence(language)
    return Finding("note", "models.left_out", {"name": name, "reason": said.what, "next": said.next})


def port(host: str, number: int, language: str) -> Finding:
    facts = {"host": host, "port": number, "other": number + 1}
    try:
        listen(host, number).close()
    except StudioError as error:
        if error.code == "port_in_use" and _is_studio(host, number):
            return Finding("good", "port.ours", facts)
        return _refused(error, language)
    return Finding("good", "port.free", facts)


def _refused(error: StudioError, language: str) -> Finding:
    sentence = error.sentence(language)
    return Finding("bad", "refused", {"reason": f"{sentence.title}: {sentence.what}", "next": sentence.next})


def _is_studio(host: str, number: int) -> bool:
    name = f"[{host}]" if ":" in host else host
    try:
        with build_opener(ProxyHandler({})).open(f"http://{name}:{number}/healthz", timeout=3) as answer:
            return "version" in json.loads(answer.read(4096))
    except (OSError, ValueError):
        return False


def _prints(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
