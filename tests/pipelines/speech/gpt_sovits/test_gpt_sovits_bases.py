from __future__ import annotations

import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipelines.failure import CraftError
from pipelines.speech.catalogue import ENGINES, installed_engines
from pipelines.speech.gpt_sovits import bases as module
from pipelines.speech.gpt_sovits import descriptions
from pipelines.speech.gpt_sovits.bases import CONVERTED, Bases, facts_of
from tests.official_files import small_critics, small_sovits, small_text2semantic


@pytest.fixture
def folder(tmp_path: Path, small_models: Path) -> Path:
    """The official tree, to be changed; nobody looked at it yet."""
    unseen = shutil.ignore_patterns(CONVERTED)
    return Path(
        shutil.copytree(small_models / "gpt_sovits", tmp_path / "models" / "gpt_sovits", ignore=unseen)
    )


def test_nothing_there(tmp_path: Path) -> None:
    assert installed_engines(tmp_path / "models") == ENGINES
    with pytest.raises(CraftError, match="base_incomplete") as caught:
        Bases(tmp_path / "models").parts("v2")
    assert "chinese-hubert-base" in caught.value.facts["missing"]
    assert not (tmp_path / "models").exists()  # looking leaves nothing behind


def test_a_version_is_offered_when_its_files_are_there(folder: Path) -> None:
    engines = installed_engines(folder.parent)
    assert list(engines) == ["starter", "gpt_sovits_v2"]
    assert {"en", "zh", "ko"} <= set(engines["gpt_sovits_v2"].languages)
    assert [method.name for method in engines["gpt_sovits_v2"].methods] == ["lora", "full"]
    shutil.rmtree(folder / "chinese-roberta-wwm-ext-large")
    assert not {"zh", "yue"} & set(installed_engines(folder.parent)["gpt_sovits_v2"].languages)
    shutil.rmtree(folder / "chinese-hubert-base")
    assert list(installed_engines(folder.parent)) == ["starter"]


def test_a_base_that_was_made_for_speaking_is_not_trained(folder: Path) -> None:
    trained = next(folder.rglob("s2G*.pth"))
    published = trained.read_bytes()
    small_sovits(trained)
    assert installed_engines(folder.parent)["gpt_sovits_v2"].methods == ()
    (folder / "z.pth").write_bytes(published)  # of two, the one that training can begin with
    assert installed_engines(folder.parent)["gpt_sovits_v2"].trainable
    assert Bases(folder).parts("v2").sovits.source.name == "z.pth"


def test_what_an_older_studio_wrote_down_is_looked_at_again(folder: Path) -> None:
    Bases(folder)
    for card in (folder / "converted").glob("*.json"):
        facts = json.loads(card.read_text())
        del facts["file"]["posterior"]
        card.write_text(json.dumps(facts))
    assert Bases(folder).parts("v2").sovits.file.posterior


def test_each_version_gets_its_critics(folder: Path) -> None:
    assert Bases(folder).parts("v2").discriminator.source.name == "s2Dv2.pth"
    speaking = Bases(folder).parts("v2").parameters
    for path in folder.rglob("s2D*"):
        path.unlink()
    parts = Bases(folder).parts("v2")
    assert parts.discriminator is None and parts.parameters == speaking  # nobody speaks with them
    for name in ("s2Dv2ProPlus.pth", "s2Dv2Pro.pth"):
        small_critics(folder / name, "v2Pro")
    found = {v: Bases(folder)._discriminator(v) for v in ("v2", "v2Pro", "v2ProPlus")}
    assert found["v2"] is None
    assert [found[v].source.name for v in ("v2Pro", "v2ProPlus")] == ["s2Dv2Pro.pth", "s2Dv2ProPlus.pth"]


def test_the_packages_of_a_language(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptions, "can_read", lambda language: True)
    engine = installed_engines(folder.parent)["gpt_sovits_v2"]
    assert (engine.languages, engine.missing_packages) == (("en", "zh", "ja", "ko", "yue"), {})
    monkeypatch.setattr(descriptions, "can_read", lambda language: language not in ("ja", "yue"))
    engine = installed_engines(folder.parent)["gpt_sovits_v2"]
    assert engine.languages == ("en", "zh", "ko")
    assert engine.missing_packages == {"ja": "pyopenjtalk-plus", "yue": "ToJyutping"}


def test_names_do_not_matter(folder: Path) -> None:
    flat = folder / "mine"
    flat.mkdir()
    for number, path in enumerate([*folder.rglob("*.ckpt"), *folder.rglob("*.pth")]):
        path.rename(flat / f"{number}{'.pth' if path.suffix == '.ckpt' else '.ckpt'}")
    assert list(installed_engines(folder.parent)) == ["starter", "gpt_sovits_v2"]


def test_a_known_file_is_not_looked_at_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Path] = []
    look_into = module.look_into
    monkeypatch.setattr(module, "look_into", lambda path: looks.append(path) or look_into(path))
    assert len(Bases(folder).found) == 5
    looks.clear()
    assert len(Bases(folder).found) == 5 and looks == []
    path = small_sovits(next(folder.rglob("s2G*.pth")), seed=5)
    Bases(folder)
    assert looks == [path]


def test_what_cannot_be_used_says_why(folder: Path) -> None:
    (folder / "torn.pth").write_bytes(b"PK\x03\x04")
    torch.save({"emb_g.weight": torch.ones(2)}, folder / "other.pth")
    for _ in range(2):  # the second time from what was written down
        refused = Bases(folder).refused
        assert {name: error.code for name, error in refused.items()} == {
            "torn.pth": "checkpoint_broken",
            "other.pth": "checkpoint_other",
        }


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="file names are Unicode here")
def test_a_name_from_an_archive_that_is_no_utf_8(folder: Path) -> None:
    path = small_sovits(folder / "voice.pth", seed=4)
    os.rename(path, os.path.join(os.fsencode(folder), "模型.pth".encode("gbk")))
    assert len(Bases(folder).found) == len(Bases(folder).found) == 6
    assert "gpt_sovits_v2" in installed_engines(folder.parent)


def test_a_file_that_cannot_be_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    Bases(folder)
    small_sovits(folder / "new.pth", seed=4)
    monkeypatch.setattr(module, "look_into", closed)
    bases = Bases(folder)
    assert len(bases.found) == 5 and bases.refused == {}


def test_weights_are_converted_once(folder: Path) -> None:
    base = Bases(folder).parts("v2").sovits
    made = base.weights()
    assert (
        facts_of(made)["config"]["model"]["n_heads"] == 2 and facts_of(made)["info"] == "8epoch_1234iteration"
    )
    stored = load_file(made / "model.safetensors")
    assert stored["enc_p.text_embedding.weight"].dtype == torch.float16
    stamp = (made / "model.safetensors").stat().st_mtime_ns
    assert Bases(folder).parts("v2").sovits.weights() == made
    assert (made / "model.safetensors").stat().st_mtime_ns == stamp
    hubert = Bases(folder).parts("v2").content.weights()
    assert {path.name for path in hubert.iterdir()} == {"model.safetensors", "facts.json", "config.json"}
    assert (Bases(folder).parts("v2").text.weights() / "vocab.txt").exists()


def test_what_was_converted_from_former_files_goes_at_the_next_start(folder: Path) -> None:
    parts = Bases(folder).parts("v2")
    former, kept = parts.sovits.weights(), parts.content.weights()
    begun = former.with_name(f"{former.name}.killed")
    begun.mkdir()
    small_sovits(parts.sovits.source, seed=5, posterior=True)
    Bases(folder)
    assert former.exists(), "an engine may live on it"
    descriptions.descriptions(folder)
    assert [path for path in (former, kept, begun) if path.exists()] == [kept]


def test_a_base_outlives_the_deletion_of_another_of_its_family(folder: Path) -> None:
    base = Bases(folder).parts("v2").sovits
    before = facts_of(base.weights())
    shutil.rmtree(folder / "converted")
    assert facts_of(base.weights()) == before
    shutil.rmtree(folder / "converted")
    base.source.unlink()
    with pytest.raises(CraftError, match="base_incomplete") as caught:
        base.weights()
    assert caught.value.facts == {"version": "v2", "missing": "s2Gv2.pth", "folder": str(folder)}


def test_several_who_want_the_same_weights_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conversions: list[Path] = []
    convert = module.convert
    monkeypatch.setattr(module, "convert", lambda *paths: conversions.append(paths[0]) or convert(*paths))
    base = Bases(folder).parts("v2").sovits
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: base.weights(), range(4))) == {base.home}
    assert conversions == [base.source]


def test_a_file_that_could_not_be_read_in_time_is_looked_at_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(path: Path) -> None:
        raise CraftError("checkpoint_timeout", limit_seconds=120.0)

    with monkeypatch.context() as patch:
        patch.setattr(module, "look_into", busy)
        assert len(Bases(folder).refused) == 5
    assert Bases(folder).refused == {}


def test_somebodys_voice_among_the_bases_is_not_taken_for_one(folder: Path) -> None:
    small_text2semantic(folder / "ada-e15.ckpt", seed=7)
    small_sovits(folder / "G_2333.pth", seed=7, posterior=True)
    parts = Bases(folder).parts("v2")
    assert parts.text2semantic.source.name.startswith("s1bert25hz")
    assert parts.sovits.source.name.startswith("s2G")


def test_each_version_gets_its_semantic_base(folder: Path) -> None:
    small_text2semantic(folder / "s1v3.ckpt", seed=7)
    bases = Bases(folder)
    assert bases._semantic("v2Pro").source.name == "s1v3.ckpt"
    assert bases._semantic("v2").source.name.startswith("s1bert25hz")
    next(path for path in folder.rglob("s1bert*")).unlink()
    assert Bases(folder)._semantic("v2").source.name == "s1v3.ckpt"
