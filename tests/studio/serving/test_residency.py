from __future__ import annotations

import threading
import time

import pytest

from studio.errors import StudioError
from studio.serving import residency as module
from studio.serving.residency import Loader, Residency


class Models:
    """Loads names like ``b4``: four bytes. Counts loads."""

    def __init__(self) -> None:
        self.loads: list[str] = []
        self.loading = 0
        self.fail = False

    def load(self, name: str) -> tuple[object, int]:
        assert self.loading == 0, "two constructions at once"
        self.loading += 1
        time.sleep(0.002)
        self.loading -= 1
        if self.fail:
            raise OSError("no such file")
        self.loads.append(name)
        return object(), int(name[1:])

    def residency(self, budget_bytes: int) -> Residency:
        return Residency(budget_bytes, {"voice": Loader(lambda name: int(name[1:]), self.load)})


@pytest.fixture
def models() -> Models:
    return Models()


def use(residency: Residency, name: str) -> object:
    with residency.lease(("voice", name)) as value:
        return value


def names(residency: Residency) -> list[str]:
    return [name for _, name in residency.keys()]


def test_a_second_lease_costs_nothing(models: Models) -> None:
    residency = models.residency(10)
    assert use(residency, "a4") is use(residency, "a4")
    assert models.loads == ["a4"]


def test_the_least_recently_used_leaves_first(models: Models) -> None:
    residency = models.residency(10)
    for name in ("a4", "b4", "a4", "c4"):
        use(residency, name)
    assert names(residency) == ["a4", "c4"]
    assert residency.resident_bytes == 8


def test_the_leased_never_leave(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
    residency = models.residency(10)
    with residency.lease(("voice", "a4")):
        use(residency, "b4")
        use(residency, "c6")
        assert names(residency) == ["a4", "c6"]
        with pytest.raises(StudioError, match="busy_memory"):
            use(residency, "d7")
        assert names(residency) == ["a4", "c6"]  # nothing was thrown out in vain
    use(residency, "d7")


def test_waits_for_a_lease_to_end(models: Models) -> None:
    residency, held, free = models.residency(10), threading.Event(), threading.Event()

    def hold() -> None:
        with residency.lease(("voice", "a8")):
            held.set()
            free.wait(100)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(100)
    threading.Timer(0.05, free.set).start()
    use(residency, "b8")
    holder.join()
    assert names(residency) == ["b8"]


def test_what_never_fits_is_refused_at_once(models: Models) -> None:
    residency = models.residency(10)
    use(residency, "a4")
    with pytest.raises(StudioError, match="memory_budget"):
        use(residency, "b11")
    assert names(residency) == ["a4"]


def test_a_failed_load_does_not_poison(models: Models) -> None:
    residency = models.residency(10)
    models.fail = True
    for _ in range(2):
        with pytest.raises(OSError, match="no such file"):
            use(residency, "a4")
    assert names(residency) == []
    models.fail = False
    use(residency, "a4")


def test_dropped_while_leased(models: Models) -> None:
    residency = models.residency(10)
    with residency.lease(("voice", "a4")) as before:
        residency.drop(("voice", "a4"))
        assert names(residency) == []
        assert use(residency, "a4") is not before
    residency.drop(("voice", "nobody"))


def test_many_threads(models: Models) -> None:
    residency, errors = models.residency(10), []

    def work(seed: int) -> None:
        try:
            for turn in range(40):
                name = f"{'abcde'[(seed * 7 + turn * 3) % 5]}4"
                with residency.lease(("voice", name)) as value:
                    time.sleep(0.0005)
                    held = residency._residents.get(("voice", name))
                    assert held is not None and held.value is value, "evicted while leased"
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not errors
    assert residency.resident_bytes <= 10
    assert all(resident.leases == 0 for resident in residency._residents.values())
