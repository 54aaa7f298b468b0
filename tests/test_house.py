"""What holds for the house as a whole: the arrows, the weight, the papers."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
OURS = ("app", "models", "pipelines", "studio")
FLOORS = (
    ("app", 6),
    ("studio.ui", 5),
    ("studio.api", 5),
    ("studio.launch", 5),
    ("studio.doctor", 5),
    ("studio.sample_book", 5),
    ("studio.container", 4),
    ("studio.transfers", 5),
    ("studio.voice_exchange", 3),
    ("studio.voices", 3),
    ("studio.speaking", 3),
    ("studio.stories", 3),
    ("studio.shelf", 3),
    ("studio", 2),
    ("pipelines", 1),
    ("models", 0),
)
"""Longest prefix first; an import may stay on its floor or go down."""
ONLY_IN = {"ray": ("studio/serving/ray.py",), "diffusers": ("pipelines/illustration/",)}
HEAVY = (
    "torch",
    "torchaudio",
    "librosa",
    "matplotlib",
    "transformers",
    "diffusers",
    "peft",
    "scipy.signal",
    "numba",
)
MAX_TRACKED_BYTES, MAX_ASSETS_BYTES, MAX_FILE_BYTES = 60 * 2**20, 40 * 2**20, 25 * 2**20
MAX_LINES = 650
READMES = ("README.md", "README.zh.md")


@cache
def tracked() -> tuple[Path, ...]:
    """What git tracks or would; in an unpacked archive, every file that is no build product."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listing.returncode == 0:
        names = listing.stdout.decode().split("\0")
    else:
        ignored = {
            ".venv",
            "library",
            "runs",
            "corpus",
            "__pycache__",
            ".git",
            ".pytest_cache",
            ".ruff_cache",
        }
        names = [
            str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if not ignored & set(p.relative_to(ROOT).parts)
        ]
    return tuple(ROOT / name for name in names if name and (ROOT / name).is_file())


def sources(*rooms: str) -> list[Path]:
    return [
        p
        for p in tracked()
        if p.suffix == ".py" and p.relative_to(ROOT).parts[0].removesuffix(".py") in rooms
    ]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from studio import api` imports a module, `from studio.errors import StudioError` a name of one
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def floor(module: str) -> int | None:
    return next((n for prefix, n in FLOORS if module == prefix or module.startswith(prefix + ".")), None)


def test_arrows_never_point_up() -> None:
    wrong = []
    for path in sources(*OURS):
        here = module_of(path)
        for target, line in imports(path):
            there = floor(target)
            if there is not None and there > floor(here):
                wrong.append(f"{path.relative_to(ROOT)}:{line} {here} -> {target}")
            for one, other in (("studio.ui", "studio.api"), ("studio.api", "studio.ui")):
                if here.startswith(one) and target.startswith(other):
                    wrong.append(f"{path.relative_to(ROOT)}:{line} {here} -> {target}")
    assert not wrong, "\n".join(wrong)


def test_networks_know_tensors_alone() -> None:
    allowed = {"torch", "numpy", "numba", "llvmlite", "safetensors", "models", "peft"} | set(
        sys.stdlib_module_names
    )
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {target}"
        for path in sources("models")
        for target, line in imports(path)
        if target.split(".")[0] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_some_packages_have_one_room() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {target}"
        for path in sources(*OURS)
        for target, line in imports(path)
        if (rooms := ONLY_IN.get(target.split(".")[0])) and not str(path.relative_to(ROOT)).startswith(rooms)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("room", "heavy"), [("studio", (*HEAVY, "gradio")), ("studio.ui", HEAVY)])
def test_importing_the_studio_imports_nothing_heavy(room: str, heavy: tuple[str, ...]) -> None:
    names = [module_of(path) for path in sources("studio")]
    names = [n for n in names if n.startswith("studio.ui") == (room == "studio.ui")]
    program = f"""
import importlib, sys
for name in {names!r}: importlib.import_module(name)
print(*(name for name in {heavy!r} if name in sys.modules))
"""
    outcome = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.split() == []


def required(*files: str) -> set[str]:
    text = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in files if (ROOT / name).exists())
    return {_normal(name) for name in re.findall(r"^([A-Za-z0-9][\w.-]*)", text, re.MULTILINE)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("rooms", "files"),
    [
        (OURS, ("requirements.txt",)),
        (("tests",), ("requirements.txt", "requirements-dev.txt")),
        (("benchmarks",), ("requirements.txt", "requirements-dev.txt", "benchmarks/requirements.txt")),
    ],
)
def test_every_import_is_a_requirement(rooms: tuple[str, ...], files: tuple[str, ...]) -> None:
    listed, providers = required(*files), packages_distributions()
    known = {*sys.stdlib_module_names, *OURS, "tests", "benchmarks"}
    missing = set()
    for path in sources(*rooms):
        for target, line in imports(path):
            package = target.split(".")[0]
            if package in known or path.with_name(f"{package}.py").exists():
                continue
            if not listed & {_normal(d) for d in providers.get(package, [package])}:
                missing.add(f"{package} ({path.relative_to(ROOT)}:{line})")
    assert not missing, "\n".join(sorted(missing))


def test_torch_and_torchaudio_are_the_same_release() -> None:
    pins = dict(
        re.findall(r"^(torch|torchaudio)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    )
    assert pins["torch"] == pins["torchaudio"]


def test_every_package_names_its_licence() -> None:
    """Also of what the packages need themselves: nothing under the GPL or AGPL is installed with the studio."""
    words = set(re.findall(r"[\w-]+", (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")))
    assert sorted(name for name in required("requirements.txt") if name not in words) == []
    wanted, seen, strict = list(required("requirements.txt")), set(), []
    while wanted:
        if (name := wanted.pop()) in seen:
            continue
        seen.add(name)
        try:
            package = distribution(name)
        except PackageNotFoundError:  # of another system or an option that is not taken
            continue
        if re.search(r"\bA?GPL\b|GNU (Affero )?General", _licence(package)):
            strict.append(name)
        needs = (Requirement(line) for line in package.requires or ())
        wanted += [
            _normal(need.name) for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})
        ]
    assert strict == []


def _licence(package: Distribution) -> str:
    about = package.metadata
    stated = about.get("License-Expression") or (about.get("License") or "").split("\n")[0]
    return " ".join([stated, *(c for c in about.get_all("Classifier") or [] if c.startswith("License"))])


def test_the_clone_stays_small() -> None:
    sizes = {path.relative_to(ROOT): path.stat().st_size for path in tracked()}
    assert sum(sizes.values()) < MAX_TRACKED_BYTES
    assert sum(size for path, size in sizes.items() if path.parts[0] == "assets") < MAX_ASSETS_BYTES
    assert [str(path) for path, size in sizes.items() if size > MAX_FILE_BYTES] == []


def test_files_stay_readable() -> None:
    long = {
        str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines())
        for p in tracked()
        if p.suffix == ".py"
    }
    assert {name: lines for name, lines in long.items() if lines > MAX_LINES} == {}


def test_docker_copies_what_exists_and_is_sent() -> None:
    ignore = (ROOT / ".dockerignore").read_text().split("\n")
    sent = {line[1:] for line in ignore if line.startswith("!")}
    copied = re.findall(r"^COPY (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert copied
    for line in copied:
        for name in shlex.split(line)[:-1]:
            assert (ROOT / name).exists(), f"COPY {name}"
            assert name in sent, f"{name} is not let through by .dockerignore"
    assert sorted(name for name in sent if not (ROOT / name).exists()) == []


def blocks(readme: str, *languages: str) -> list[tuple[str, str]]:
    text = (ROOT / readme).read_text(encoding="utf-8")
    found = re.findall(r"^```(\w+)[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(language, code) for language, code in found if language in languages]


@pytest.mark.parametrize("readme", READMES)
def test_readme_code_is_code(readme: str) -> None:
    assert blocks(readme, "sh"), "the two commands at least"
    for language, code in blocks(readme, "sh", "python"):
        if language == "python":
            compile(code, readme, "exec")
        else:
            check = subprocess.run(["bash", "-n"], input=code, capture_output=True, text=True)
            assert check.returncode == 0, f"{check.stderr}\n{code}"


@pytest.mark.parametrize("readme", READMES)
def test_readme_names_what_exists(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    shell = "\n".join(code for _, code in blocks(readme, "sh"))
    assert set(re.findall(r"\bmake ([\w-]+)", shell)) <= set(targets)
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)|src=\"([^\"]+)\"", text):
        target = link[0] or link[1]
        if "://" not in target and not target.startswith("mailto:"):
            assert (ROOT / target).exists(), f"{readme} -> {target}"


def test_both_readmes_show_the_same_code() -> None:
    english, chinese = (
        [re.sub(r"#.*", "", code) for _, code in blocks(readme, "sh", "python")] for readme in READMES
    )
    assert len(english) == len(chinese)
