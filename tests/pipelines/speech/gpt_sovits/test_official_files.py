from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.failure import CraftError
from pipelines.speech.gpt_sovits.official_files import VERSIONS, OfficialFile, recognise

GOLDEN = Path(__file__).resolve().parents[3] / "golden"


def shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Of a published network at full size."""
    listed = json.loads((GOLDEN / f"keys_{name}.json").read_text())
    return {key: tuple(shape) for key, (shape, _) in listed.items()}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        *((version, OfficialFile("sovits", version)) for version in VERSIONS),
        ("s1", OfficialFile("text2semantic")),
        ("sv", OfficialFile("speaker_verification")),
        ("s2D_v2", OfficialFile("discriminator", "v2")),
        ("s2D_v2Pro", OfficialFile("discriminator", "v2Pro")),
    ],
)
def test_published_networks(name: str, file: OfficialFile) -> None:
    assert recognise(shapes(name)) == file


@pytest.mark.parametrize("version", VERSIONS)
def test_voices_without_the_posterior_encoder(version: str) -> None:
    kept = {key: shape for key, shape in shapes(version).items() if not key.startswith("enc_q.")}
    assert recognise(kept) == OfficialFile("sovits", version)


@pytest.mark.parametrize(
    ("name", "changes", "code", "version"),
    [
        ("v2", {"enc_p.text_embedding.weight": (322, 192)}, "checkpoint_version", "v1"),
        ("s1", {"model.ar_text_embedding.word_embeddings.weight": (512, 512)}, "checkpoint_version", "v1"),
        ("v2", {"cfm.estimator.proj.weight": (1, 1)}, "checkpoint_version", "v3/v4"),
        ("v2", {"enc_p.text_embedding.weight": (999, 192)}, "checkpoint_other", None),
        ("v2", {"enc_p.text_embedding.weight": ()}, "checkpoint_other", None),
        ("s1", {"model.ar_text_embedding.word_embeddings.weight": ()}, "checkpoint_other", None),
    ],
)
def test_versions_that_are_not_spoken(name: str, changes: dict, code: str, version: str | None) -> None:
    with pytest.raises(CraftError) as caught:
        recognise(shapes(name) | changes)
    assert caught.value.code == code and caught.value.facts.get("version") == version


def test_files_of_other_programs() -> None:
    with pytest.raises(CraftError, match="checkpoint_other"):
        recognise({"emb_g.weight": (200, 768), "dec.conv_pre.weight": (512, 192, 7)})
