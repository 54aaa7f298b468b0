"""The pickle inside a foreign checkpoint, read without being run.

A pickle is a program for a small stack machine, and the usual machine calls whatever the program names. This one
builds numbers, text, lists, mappings and descriptions of tensors; it can import nothing, call nothing and set no
attribute, so there is nothing for a hostile file to reach. Names that a checkpoint has no use for are refused by name.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_PICKLE_BYTES = 16 * 2**20
MAX_OPERATIONS = 1_000_000
"""A GPT-SoVITS generator takes 30,000."""
MAX_DIMENSIONS = 8
MAX_FACTS = 20_000
MAX_FACT_DEPTH = 16
MAX_FACT_CHARS = 1_000_000
_LARGEST_INTEGER = 2**63 - 1

STORAGE_TYPES = {
    "DoubleStorage": ("F64", np.dtype("<f8")),
    "FloatStorage": ("F32", np.dtype("<f4")),
    "HalfStorage": ("F16", np.dtype("<f2")),
    "BFloat16Storage": ("BF16", np.dtype("<u2")),
    "LongStorage": ("I64", np.dtype("<i8")),
    "IntStorage": ("I32", np.dtype("<i4")),
    "ShortStorage": ("I16", np.dtype("<i2")),
    "CharStorage": ("I8", np.dtype("i1")),
    "ByteStorage": ("U8", np.dtype("u1")),
    "BoolStorage": ("BOOL", np.dtype("u1")),
}
"""Storage class -> the name of its type in safetensors, and how numpy reads it (bfloat16 as its bits)."""

_SETTINGS = ("utils.HParams",)
"""Classes whose objects hold settings; they come out as plain dicts of their attributes."""
_PATHS = tuple(
    f"{room}.{kind}{name}"
    for room in ("pathlib", "pathlib._local")  # Python 3.13 keeps them in the second
    for kind in ("Pure", "")
    for name in ("PosixPath", "WindowsPath")
)
_TENSOR, _PARAMETER = "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"
_KNOWN = {
    "collections.OrderedDict",
    _TENSOR,
    _PARAMETER,
    *_PATHS,
    *_SETTINGS,
    *(f"torch.{kind}" for kind in STORAGE_TYPES),
}


class ForeignCheckpointError(Exception):
    """A foreign file cannot be used.

    Args:
        code: ``checkpoint_unsafe``, ``checkpoint_broken`` ...; the room that shows it has the sentence.
        **facts: plain numbers and strings.
    """

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(f"{code} {facts}" if facts else code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies. ``offset`` and ``strides`` count items of ``storage``, which holds ``storage_items``."""

    storage: str
    kind: str
    storage_items: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def items(self) -> int:
        return math.prod(self.shape)

    @property
    def type_name(self) -> str:
        return STORAGE_TYPES[self.kind][0]

    @property
    def dtype(self) -> np.dtype:
        return STORAGE_TYPES[self.kind][1]

    @property
    def nbytes(self) -> int:
        return self.items * self.dtype.itemsize


@dataclass(frozen=True)
class _Named:
    """A function or class as the file names it. It stays a name."""

    name: str


@dataclass(frozen=True)
class _Storage:
    key: str
    kind: str
    items: int


class _Settings(dict):
    """The attributes of an object of ``_SETTINGS``."""


_MARK = object()
_CONSTANTS = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": lambda: (),
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "MARK": lambda: _MARK,
}
_LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
    *("FLOAT", "BINFLOAT", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
_IDLE = {"PROTO", "FRAME"}


def read_pickle(program: bytes) -> Any:
    """What the program describes: plain data whose tensors are ``StoredTensor``.

    Raises:
        ForeignCheckpointError: ``checkpoint_unsafe`` (names something to be run), ``checkpoint_broken``,
            ``checkpoint_lies`` (asks for more than a checkpoint needs).
    """
    if len(program) > MAX_PICKLE_BYTES:
        raise ForeignCheckpointError("checkpoint_lies", what="data.pkl")
    try:
        return _Machine().run(program)
    except ForeignCheckpointError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ForeignCheckpointError("checkpoint_broken") from error


class _Machine:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, program: bytes) -> Any:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(program)):
            if count > MAX_OPERATIONS:
                raise ForeignCheckpointError("checkpoint_lies", what="data.pkl")
            name = opcode.name
            if name in _LITERALS:
                self.stack.append(argument)
            elif name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name]())
            elif name == "STOP":
                break
            elif name not in _IDLE:
                step = getattr(self, f"_{name.lower()}", None)
                if step is None:
                    raise ForeignCheckpointError("checkpoint_unsafe", name=name)
                step(argument)
        (result,) = self.stack
        return result

    # Names

    def _global(self, argument: str) -> None:
        self._name(argument.replace(" ", ".", 1))

    def _stack_global(self, argument: None) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not (isinstance(module, str) and isinstance(name, str)):
            raise ForeignCheckpointError("checkpoint_broken")
        self._name(f"{module}.{name}")

    def _name(self, name: str) -> None:
        if name not in _KNOWN:
            raise ForeignCheckpointError("checkpoint_unsafe", name=_quotable(name))
        self.stack.append(_Named(name))

    # What a name stands for

    def _reduce(self, argument: None) -> None:
        arguments, named = self.stack.pop(), self.stack.pop()
        if not (isinstance(named, _Named) and isinstance(arguments, tuple)):
            raise ForeignCheckpointError("checkpoint_broken")
        if named.name == "collections.OrderedDict":
            self.stack.append({})
            self._fill(arguments[0] if arguments else ())
        elif named.name == _TENSOR:
            self.stack.append(_tensor(*arguments[:4]))
        elif named.name == _PARAMETER and isinstance(arguments[0], StoredTensor):
            self.stack.append(arguments[0])
        elif named.name in _PATHS:
            self.stack.append("/".join(str(part) for part in arguments if isinstance(part, str)))
        elif named.name in _SETTINGS and not arguments:
            self.stack.append(_Settings())
        else:
            raise ForeignCheckpointError("checkpoint_unsafe", name=_quotable(named.name))

    def _newobj(self, argument: None) -> None:
        self._reduce(None)

    def _build(self, argument: None) -> None:
        """An object's attributes. Those of a weight dict (``_metadata``) say nothing about the weights."""
        state = self.stack.pop()
        built = self.stack[-1]
        if isinstance(built, _Settings) and isinstance(state, dict):
            built.update(state)
        elif not (type(built) is dict and isinstance(state, dict)):
            raise ForeignCheckpointError("checkpoint_broken")

    def _binpersid(self, argument: None) -> None:
        tag, kind, key, _, items = self.stack.pop()
        known = isinstance(kind, _Named) and kind.name.removeprefix("torch.") in STORAGE_TYPES
        if tag != "storage" or not known or not isinstance(key, str) or not _is_count(items):
            raise ForeignCheckpointError("checkpoint_broken")
        self.stack.append(_Storage(key, kind.name.removeprefix("torch."), items))

    # Containers

    def _marked(self) -> list[Any]:
        mark = len(self.stack) - 1
        while self.stack[mark] is not _MARK:
            mark -= 1
            if mark < 0:
                raise ForeignCheckpointError("checkpoint_broken")
        items = self.stack[mark + 1 :]
        del self.stack[mark:]
        return items

    def _tuple(self, argument: None) -> None:
        self.stack.append(tuple(self._marked()))

    def _tuple1(self, argument: None) -> None:
        self.stack[-1:] = [(self.stack[-1],)]

    def _tuple2(self, argument: None) -> None:
        self.stack[-2:] = [(self.stack[-2], self.stack[-1])]

    def _tuple3(self, argument: None) -> None:
        self.stack[-3:] = [tuple(self.stack[-3:])]

    def _list(self, argument: None) -> None:
        self.stack.append(self._marked())

    def _dict(self, argument: None) -> None:
        items = self._marked()
        self.stack.append({})
        self._fill(zip(items[::2], items[1::2], strict=True))

    def _append(self, argument: None) -> None:
        value = self.stack.pop()
        self._extend([value])

    def _appends(self, argument: None) -> None:
        self._extend(self._marked())

    def _extend(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise ForeignCheckpointError("checkpoint_broken")
        self.stack[-1].extend(items)

    def _setitem(self, argument: None) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._fill([(key, value)])

    def _setitems(self, argument: None) -> None:
        items = self._marked()
        self._fill(zip(items[::2], items[1::2], strict=True))

    def _fill(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        """Into the dict on top; only keys that cost nothing to hash, however deep a tuple may be."""
        target = self.stack[-1]
        for key, value in pairs:
            if not isinstance(key, str | int) or not isinstance(target, dict):
                raise ForeignCheckpointError("checkpoint_broken")
            target[key] = value

    # The stack and the memo

    def _pop(self, argument: None) -> None:
        self.stack.pop()

    def _pop_mark(self, argument: None) -> None:
        self._marked()

    def _dup(self, argument: None) -> None:
        self.stack.append(self.stack[-1])

    def _binput(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    _long_binput = _put = _binput

    def _memoize(self, argument: None) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _binget(self, index: int) -> None:
        self.stack.append(self.memo[index])

    _long_binget = _get = _binget


def _tensor(storage: object, offset: object, shape: object, strides: object) -> StoredTensor:
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, _Storage) or not all(map(_is_count, numbers)):
        raise ForeignCheckpointError("checkpoint_broken")
    if not len(shape) == len(strides) <= MAX_DIMENSIONS:
        raise ForeignCheckpointError("checkpoint_broken")
    return StoredTensor(storage.key, storage.kind, storage.items, offset, tuple(shape), tuple(strides))


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**48


def _quotable(name: str) -> str:
    """For a sentence: a name is the attacker's own text."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in name[:80])


def plain_facts(value: object) -> Any:
    """``value`` as JSON knows it; tuples become lists.

    Raises:
        ForeignCheckpointError: ``checkpoint_lies``: too many, too deep, or not plain data. A few lines of pickle can
            describe more data than any memory holds, since a list may hold another one many times.
    """
    left = {"facts": MAX_FACTS, "chars": MAX_FACT_CHARS}

    def copied(value: object, depth: int) -> Any:
        left["facts"] -= 1
        left["chars"] -= len(value) if isinstance(value, str) else 0
        if left["facts"] < 0 or left["chars"] < 0 or depth > MAX_FACT_DEPTH:
            raise ForeignCheckpointError("checkpoint_lies", what="config")
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int) and abs(value) <= _LARGEST_INTEGER:
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        if isinstance(value, list | tuple):
            return [copied(item, depth + 1) for item in value]
        if isinstance(value, Mapping):
            return {_key(key): copied(item, depth + 1) for key, item in value.items()}
        raise ForeignCheckpointError("checkpoint_broken")

    def _key(key: object) -> str:
        if not isinstance(key, str | int) or len(str(key)) > 200:
            raise ForeignCheckpointError("checkpoint_broken")
        left["chars"] -= len(str(key))
        return str(key)

    return copied(value, 0)
