"""What is fetched is what the engines find: official files, small ones, from the hub to the catalogue of engines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from studio.container import Container
from studio.settings import Settings
from studio.store.catalogue import BASES, Base
from tests.fake_hub import FakeHub
from tests.official_files import small_bases, small_sovits


def small(base: Base) -> Base:
    """The base with files of any content: those of the test are not the published ones."""
    return replace(base, files=tuple(replace(file, sha256=None) for file in base.files))


def test_official_files_from_the_hub_become_an_engine(tmp_path: Path) -> None:
    published = small_bases(tmp_path / "published", versions=())
    small_sovits(published / "gsv-v2final-pretrained" / "s2G2333k.pth")
    wanted = {base.id: small(base) for base in map(BASES.get, ("gpt-sovits-encoders", "gpt-sovits-v2"))}
    with FakeHub() as hub:
        for base in wanted.values():
            for file in base.files:
                path = published / file.path
                hub.put(base.repository, file.path, path.read_bytes() if path.exists() else b"{}")
        settings = Settings(home=tmp_path / "library", device="cpu", port=0, models_url=hub.address)
        with Container(settings, bases=wanted) as container:
            assert list(container.engines) == ["starter"]
            job = container.models.download("gpt-sovits-v2", "own", ["MIT"])
            assert container.jobs.wait(job.id, 60).state == "done"
            assert container.models.get("gpt-sovits-v2").needs_restart
        with Container(settings, bases=wanted) as restarted:
            assert "gpt_sovits_v2" in restarted.engines
            view = restarted.models.get("gpt-sovits-v2")
            assert (view.ready, view.needs_restart) == (True, False)
            restarted.models.delete("gpt-sovits-v2")
            assert restarted.models.get("gpt-sovits-encoders").ready
        with Container(settings, bases=wanted) as without:
            assert list(without.engines) == ["starter"]
