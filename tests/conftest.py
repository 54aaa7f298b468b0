"""What every test may ask for."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported anywhere
for name in [name for name in os.environ if name in ("HOST", "PORT") or name.startswith("VOXTALE_")]:
    del os.environ[name]  # the developer's own settings must not reach a test

from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

from studio.container import Container  # noqa: E402
from studio.settings import Settings  # noqa: E402
from tests.fakes import FakeEngine, fake_engines  # noqa: E402


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "library", device="cpu", port=0)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def container(settings: Settings, engine: FakeEngine) -> Iterator[Container]:
    """A studio with the fake engine in a fresh folder."""
    with Container(settings, fake_engines(engine)) as container:
        yield container
