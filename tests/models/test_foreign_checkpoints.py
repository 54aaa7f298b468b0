from __future__ import annotations

import io
import os
import pickle
import pickletools
import shutil
import struct
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.foreign_checkpoints import MARKS, ForeignCheckpoint
from models.foreign_pickle import ForeignCheckpointError, plain_facts, read_pickle
from tests.official_files import hparams_module, save_official

WEIGHTS = {
    "enc.weight": torch.arange(24, dtype=torch.float16).view(4, 6),
    "enc.bias": torch.linspace(-1, 1, 7),
    "step": torch.tensor(41),
    "mask": torch.tensor([True, False, True]),
    "wide": torch.arange(3, dtype=torch.float64),
    "brain": torch.arange(5, dtype=torch.bfloat16),
}


def read(path: Path, target: Path | None = None) -> tuple[dict, dict]:
    """The tensors and the facts of a file."""
    target = target or path.with_suffix(".safetensors")
    with ForeignCheckpoint(path) as checkpoint:
        checkpoint.write_safetensors(target)
        return load_file(target), dict(checkpoint.contents.facts)


def code_of(path: Path) -> str:
    with pytest.raises(ForeignCheckpointError) as caught:
        read(path)
    return caught.value.code


def same(found: dict, expected: dict) -> bool:
    return found.keys() == expected.keys() and all(
        torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype
        for name, tensor in expected.items()
    )


@pytest.mark.parametrize("mark", [b"PK", *MARKS])
def test_every_type_comes_back_bit_for_bit(tmp_path: Path, mark: bytes) -> None:
    path = save_official(tmp_path / "voice.pth", WEIGHTS, {"model": {"version": "v2"}}, "8epoch", mark)
    tensors, facts = read(path)
    assert same(tensors, WEIGHTS)
    assert facts == {"config": {"model": {"version": "v2"}}, "info": "8epoch"}


def test_views_of_one_storage(tmp_path: Path) -> None:
    whole = torch.randn(6, 8)
    views = {"a": whole[1:3], "b": whole.t(), "c": whole[:, ::2], "d": whole.view(-1)[5], "e": whole[:0]}
    torch.save(views, tmp_path / "views.bin")
    assert same(read(tmp_path / "views.bin")[0], views)


def test_settings_objects_become_plain(tmp_path: Path) -> None:
    settings = {
        "model": {"rates": [10, 8], "p": 0.1, "on": True, "none": None},
        "name": "声音",
        "at": ("a", 1),
    }
    with hparams_module() as hparams:
        path = save_official(tmp_path / "voice.pth", WEIGHTS, hparams(**settings), "info")
    assert read(path)[1]["config"] == {**settings, "at": ["a", 1]}


def test_what_torch_modules_and_paths_leave_in_a_file(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Conv1d(2, 3, 1), torch.nn.BatchNorm1d(3))
    torch.save({"weight": network.state_dict(), "config": {"out": Path("logs/s1")}}, tmp_path / "a.ckpt")
    tensors, facts = read(tmp_path / "a.ckpt")
    assert same(tensors, network.state_dict()) and facts == {"config": {"out": "logs/s1"}}
    torch.save(dict(network.named_parameters()), tmp_path / "b.ckpt")
    assert same(read(tmp_path / "b.ckpt")[0], dict(network.named_parameters()))


def test_a_path_that_another_python_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = types.ModuleType("pathlib._local")  # as Python 3.13 calls it

    class PosixPath:
        def __reduce__(self) -> tuple:
            return type(self), ("logs", "s1")

    PosixPath.__module__, PosixPath.__qualname__, room.PosixPath = room.__name__, "PosixPath", PosixPath
    monkeypatch.setitem(sys.modules, room.__name__, room)
    torch.save({"weight": {"a": torch.ones(1)}, "config": {"out": PosixPath()}}, tmp_path / "a.ckpt")
    assert read(tmp_path / "a.ckpt")[1]["config"] == {"out": "logs/s1"}


# What must not be


class Runs:
    """Pickles into a call of anything."""

    def __init__(self, function: Callable, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple:
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "attack",
    [
        lambda flag: Runs(os.system, f"touch {flag}"),
        lambda flag: Runs(eval, f"open({str(flag)!r}, 'w')"),
        lambda flag: Runs(exec, f"open({str(flag)!r}, 'w')"),
        lambda flag: Runs(torch.load, str(flag)),
        lambda flag: Runs(getattr, torch.nn.Module, "__init__"),
        lambda flag: Runs(torch.nn.Linear, 10, 10),
        lambda flag: Runs(torch.hub.load, "a/b", "c"),
        lambda flag: Runs(Path.touch, Path(flag)),
        lambda flag: Runs(np.fromfile, str(flag)),
    ],
)
def test_nothing_runs(tmp_path: Path, attack: Callable, protocol: int) -> None:
    flag = tmp_path / "ran"
    path = tmp_path / "evil.pth"
    torch.save({"weight": WEIGHTS, "config": attack(flag)}, path, pickle_protocol=max(2, protocol))
    assert code_of(path) == "checkpoint_unsafe"
    with pytest.raises(ForeignCheckpointError, match="checkpoint_unsafe"):
        read_pickle(pickle.dumps({"config": attack(flag)}, protocol=protocol))
    assert not flag.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"(S'true'\nios\nsystem\n.",  # INST
        b"(cos\nsystem\nS'true'\no.",  # OBJ
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        b"\x80\x02\x82\x01.",  # EXT1
        b"cbuiltins\ngetattr\n.",
        b"ccollections\nOrderedDict\n\x94(S'__class__'\nS'x'\ntR.",  # an argument that is no list of pairs
        b"cutils\nHParams\n(I1\ntR.",
        b"ctorch._utils\n_rebuild_tensor_v2\n(I1\nI2\nI3\nI4\ntR.",
        b"ctorch\nFloatStorage\n(I9\ntR.",
        b"cutils\nHParams\n)\x81(S'a'\nS'b'\nd(S'x'\nS'y'\nd\x86b.",  # slots of an object
        b"}}b.}",
        b"]}b.",
        b"P1\n.",
        b"N\x85Q.",
    ],
)
def test_opcodes_that_could_reach_something(program: bytes) -> None:
    try:
        found = read_pickle(program)
    except ForeignCheckpointError as error:
        assert error.code in ("checkpoint_unsafe", "checkpoint_broken")
    else:
        assert found == {}  # attributes given to a dict are left out


@pytest.mark.parametrize(
    "program",
    [
        b"",
        b".",
        b"\x80\x02K\x01",
        b"\x80\x02j\xff\xff\xff\x7f.",  # a memo that was never written
        b"\x8a\xff\x01",
        b"\x8b\xff\xff\xff\x7f\x01.",  # a whole number of two billion digits
        b"\x8d" + b"\xff" * 7 + b"\x7fabc.",  # text of 2**63 bytes
        b"L" + b"9" * 50_000 + b"L\n.",
        b"\x80\x02" + b")\x85" * 3 + b"N" * 5 + b".",
        b"}(N\x85Nu.",  # a tuple as key
        b"\x80\x02X\x04\x00\x00\x00\xff\xfe\xfd\xfc.",
        bytes(range(255, -1, -1)),
    ],
)
def test_broken_programs(program: bytes) -> None:
    with pytest.raises(ForeignCheckpointError):
        read_pickle(program)


def test_large_claims_cost_nothing() -> None:
    assert read_pickle(b"\x80\x02Nr\xff\xff\xff\xff.") is None  # the last place of the memo
    assert read_pickle(b"\x80\x04\x95" + b"\xff" * 8 + b"N.") is None  # a frame of 2**64 bytes


def test_nested_bombs(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = read_pickle(b"\x80\x02)" + b"\x85" * 100_000 + b".")
    with pytest.raises(ForeignCheckpointError, match="checkpoint_lies"):
        plain_facts(deep)
    with pytest.raises(ForeignCheckpointError, match="checkpoint_broken"):
        read_pickle(b"\x80\x02})" + b"\x85" * 100_000 + b"Ns.")  # as a key it would have to be hashed
    laughs: list = ["ha"]
    for _ in range(60):
        laughs = [laughs, laughs]
    with pytest.raises(ForeignCheckpointError, match="checkpoint_lies"):
        plain_facts(read_pickle(pickle.dumps(laughs)))
    itself: list = []
    itself.append(itself)
    with pytest.raises(ForeignCheckpointError, match="checkpoint_lies"):
        plain_facts(read_pickle(pickle.dumps(itself)))
    with pytest.raises(ForeignCheckpointError, match="checkpoint_lies"):
        plain_facts(read_pickle(pickle.dumps(["x" * 100_000] * 1000)))
    with pytest.raises(ForeignCheckpointError):
        plain_facts(read_pickle(pickle.dumps({"n": 10**40})))
    with pytest.raises(ForeignCheckpointError):
        plain_facts(read_pickle(pickle.dumps({"n": float("nan")})))
    monkeypatch.setattr("models.foreign_pickle.MAX_OPERATIONS", 1000)
    with pytest.raises(ForeignCheckpointError, match="checkpoint_lies"):
        read_pickle(b"\x80\x02" + b"N0" * 600 + b"N.")


def test_every_truncation_is_told(tmp_path: Path) -> None:
    whole = save_official(tmp_path / "voice.pth", WEIGHTS, {"a": 1}, "info", b"05").read_bytes()
    path = tmp_path / "cut.pth"
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert code_of(path) in ("checkpoint_unknown", "checkpoint_broken")


def test_flipped_bytes_never_do_harm(tmp_path: Path) -> None:
    whole = save_official(tmp_path / "voice.pth", WEIGHTS, {"a": 1}, "info").read_bytes()
    path = tmp_path / "flipped.pth"
    random = np.random.RandomState(0)
    for _ in range(300):
        damaged = bytearray(whole)
        for at in random.randint(0, len(whole), 3):
            damaged[at] ^= 1 << random.randint(8)
        path.write_bytes(damaged)
        try:
            read(path)
        except ForeignCheckpointError:
            pass


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.bfloat16, torch.float64])
def test_weights_must_be_finite(tmp_path: Path, value: float, dtype: torch.dtype) -> None:
    weights = torch.zeros(100, dtype=dtype)
    weights[77] = value
    path = save_official(tmp_path / "nan.pth", {"w": weights}, {}, "")
    assert code_of(path) == "checkpoint_not_finite"


def test_other_kinds_of_files(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    torch.save(WEIGHTS, path, _use_new_zipfile_serialization=False)
    assert code_of(path) == "checkpoint_legacy"
    for data in (b"", b"PK", b"PK\x03\x04", b"RIFF" * 9, pickle.dumps(WEIGHTS["step"].tolist()), b"\0" * 500):
        path.write_bytes(data)
        assert code_of(path) in ("checkpoint_unknown", "checkpoint_broken")
    for content in (
        [1, 2],
        {"weight": {}},
        {},
        {"weight": {"a": "text"}},
        {"a": {"b": torch.ones(1)}},
        {1: torch.ones(1)},
    ):
        torch.save(content, path)
        assert code_of(path) == "checkpoint_unknown"
    for name in ("../a", "a" * 300, "", "a b", "__metadata__"):
        torch.save({name: torch.ones(1)}, path)
        assert code_of(path) == "checkpoint_unknown"


# Archives that lie


def rezipped(
    source: Path, target: Path, change: Callable[[str, bytes], bytes] = lambda name, data: data, **how
) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", **how) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, change(entry.filename, old.read(entry)))
    return target


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return save_official(tmp_path / "plain.pth", {"w": torch.zeros(1000)}, {}, "")


def test_compressed_archives_are_bombs(tmp_path: Path, plain: Path) -> None:
    bomb = rezipped(plain, tmp_path / "bomb.pth", compression=zipfile.ZIP_DEFLATED)
    assert code_of(bomb) == "checkpoint_lies"


def test_duplicate_entries(tmp_path: Path, plain: Path) -> None:
    double = tmp_path / "double.pth"
    shutil.copy(plain, double)
    with zipfile.ZipFile(double, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("plain/data.pkl", pickle.dumps({}))
    assert code_of(double) == "checkpoint_broken"


def test_entries_outside_the_folder(tmp_path: Path, plain: Path) -> None:
    outside = tmp_path / "outside.pth"
    shutil.copy(plain, outside)
    with zipfile.ZipFile(outside, "a") as archive:
        archive.writestr("../../etc/passwd", "x")
    assert code_of(outside) == "checkpoint_broken"


def test_too_many_entries(tmp_path: Path, plain: Path) -> None:
    many = tmp_path / "many.pth"
    shutil.copy(plain, many)
    with zipfile.ZipFile(many, "a") as archive:
        for number in range(20_001):
            archive.writestr(f"plain/data/x{number}", b"")
    assert code_of(many) == "checkpoint_lies"


def test_a_big_endian_file(tmp_path: Path, plain: Path) -> None:
    turned = rezipped(plain, tmp_path / "big.pth", lambda n, d: b"big" if n.endswith("byteorder") else d)
    assert code_of(turned) == "checkpoint_unknown"


def test_a_size_that_the_archive_does_not_hold(tmp_path: Path, plain: Path) -> None:
    """The directory promises 3 GB for an entry of 4 kB."""
    data = bytearray(plain.read_bytes())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry = archive.getinfo("plain/data/0")
    at = data.rfind(b"plain/data/0") - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    struct.pack_into("<II", data, at + 20, 3 * 2**30, 3 * 2**30)
    lying = tmp_path / "lying.pth"
    lying.write_bytes(data)
    assert entry.file_size == 4000 and code_of(lying) in ("checkpoint_broken", "checkpoint_lies")


def tensor_program(
    storage_items: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> bytes:
    """A pickled ``{"w": tensor}`` that describes its tensor as told."""

    def number(value: int) -> bytes:
        return pickle.dumps(value, 2)[2:-1]

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    storage = (
        b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu"
        + number(storage_items)
        + b"tQ"
    )
    arguments = (
        storage + number(offset) + numbers(shape) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)R"
    )
    return b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tRs."


@pytest.mark.parametrize(
    ("items", "offset", "shape", "strides"),
    [
        (1000, 1, (1000,), (1,)),
        (1000, 0, (1001,), (1,)),
        (10**9, 0, (10**9,), (1,)),
        (1000, 0, (10**9,), (0,)),  # one number repeated
        (1000, 0, (40, 40), (1, 1)),
        (1000, 0, (2, 2), (1, 2**40)),
        (1000, 2**47, (1,), (1,)),
        (1000, 0, (2**40, 2**40, 2**40, 2**40), (0, 0, 0, 0)),
        (500, 0, (1000,), (1,)),
    ],
)
def test_tensors_outside_their_storage(
    tmp_path: Path, plain: Path, items: int, offset: int, shape: tuple, strides: tuple
) -> None:
    program = tensor_program(items, offset, shape, strides)
    pickletools.dis(program, io.StringIO())  # a program that pickle itself understands
    path = rezipped(plain, tmp_path / "liar.pth", lambda n, d: program if n.endswith("data.pkl") else d)
    assert code_of(path) == "checkpoint_lies"


def test_the_hand_made_program_is_fine_when_it_is_honest(tmp_path: Path, plain: Path) -> None:
    program = tensor_program(1000, 10, (2, 5), (5, 1))
    path = rezipped(plain, tmp_path / "honest.pth", lambda n, d: program if n.endswith("data.pkl") else d)
    assert same(read(path)[0], {"w": torch.zeros(2, 5)})


def test_negative_sizes(tmp_path: Path, plain: Path) -> None:
    for shape, strides in (((-5,), (1,)), ((5,), (-1,)), ((1,) * 9, (1,) * 9), ((5,), (1, 1))):
        program = tensor_program(1000, 10, shape, strides)
        path = rezipped(plain, tmp_path / "n.pth", lambda n, d, p=program: p if n.endswith("data.pkl") else d)
        assert code_of(path) == "checkpoint_broken"


def test_one_storage_under_a_thousand_names(tmp_path: Path) -> None:
    shared = torch.zeros(100_000)
    path = tmp_path / "shared.pth"
    torch.save({f"w{number}": shared for number in range(1000)}, path)
    assert code_of(path) == "checkpoint_lies"
    torch.save({f"w{number}": shared for number in range(3)}, path)  # as networks do that share layers
    assert len(read(path)[0]) == 3
