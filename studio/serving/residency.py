"""Which heavy things are in memory, and who leaves first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from studio.errors import StudioError

T = TypeVar("T")

Key = tuple[str, str]
"""Kind (``engine``, ``voice``) and name."""

WAIT_SECONDS = 60.0
"""For others to give back what must leave before something new fits."""


@dataclass(frozen=True)
class Loader(Generic[T]):
    """How one kind of thing comes into memory.

    Attributes:
        estimate_bytes: name -> what it will need, known before it is loaded.
        load: name -> the thing and the bytes it really takes.
    """

    estimate_bytes: Callable[[str], int]
    load: Callable[[str], tuple[T, int]]


@dataclass
class _Resident:
    value: object
    nbytes: int
    leases: int = 0


class Residency:
    """A cache under one byte budget. Leased things stay; of the others the least recently used leaves first.

    Lock order: ``_loading`` before ``_changed``, never the reverse. Loading happens under ``_loading`` alone, so that
    leases of what is already here are not held up.
    """

    def __init__(self, budget_bytes: int, loaders: Mapping[str, Loader]) -> None:
        self.budget_bytes = budget_bytes
        self._loaders = loaders
        self._loading = threading.Lock()
        self._changed = threading.Condition()
        self._residents: OrderedDict[Key, _Resident] = OrderedDict()

    @contextmanager
    def lease(self, key: Key) -> Iterator[object]:
        """Hold the thing in memory while the block runs, loading it when needed.

        Raises:
            StudioError: ``memory_budget`` when it cannot fit at all, ``busy_memory`` when leased things do not make
                room in time. Whatever loading raises is passed on, and the next lease tries again.
        """
        resident = self._take(key) or self._load(key)
        try:
            yield resident.value
        finally:
            with self._changed:
                resident.leases -= 1
                self._changed.notify_all()

    def drop(self, key: Key) -> None:
        """Forget it; whoever holds a lease keeps it to the end of the lease."""
        with self._changed:
            self._residents.pop(key, None)
            self._changed.notify_all()

    @property
    def resident_bytes(self) -> int:
        with self._changed:
            return sum(resident.nbytes for resident in self._residents.values())

    def keys(self) -> tuple[Key, ...]:
        """Least recently used first."""
        with self._changed:
            return tuple(self._residents)

    def clear(self) -> None:
        with self._changed:
            self._residents.clear()

    def _take(self, key: Key) -> _Resident | None:
        with self._changed:
            resident = self._residents.get(key)
            if resident is not None:
                resident.leases += 1
                self._residents.move_to_end(key)
            return resident

    def _load(self, key: Key) -> _Resident:
        kind, name = key
        loader = self._loaders[kind]
        with self._loading:  # building a network is not thread-safe, and two would not fit at once
            resident = self._take(key)  # someone else may have loaded it while we waited
            if resident is not None:
                return resident
            self._make_room(loader.estimate_bytes(name))
            value, nbytes = loader.load(name)
            resident = _Resident(value, nbytes, leases=1)
            with self._changed:
                self._residents[key] = resident
            return resident

    def _make_room(self, nbytes: int) -> None:
        if nbytes > self.budget_bytes:
            raise StudioError(
                "memory_budget", 503, needed_mb=nbytes / 2**20, limit_mb=self.budget_bytes / 2**20
            )
        with self._changed:
            if not self._changed.wait_for(lambda: self._evict(nbytes), WAIT_SECONDS):
                raise StudioError("busy_memory", 503, seconds=WAIT_SECONDS)

    def _evict(self, needed_bytes: int) -> bool:
        """Let unleased things go until ``needed_bytes`` fit; False when leased ones are in the way."""
        free = self.budget_bytes - sum(resident.nbytes for resident in self._residents.values())
        leaving = []
        for key, resident in self._residents.items():
            if free >= needed_bytes:
                break
            if resident.leases == 0:
                leaving.append(key)
                free += resident.nbytes
        if free < needed_bytes:
            return False
        for key in leaving:
            del self._residents[key]
        return True
