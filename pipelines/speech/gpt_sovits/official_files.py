"""The files that GPT-SoVITS is published and traded in, told apart by the shapes of their weights.

File names say nothing here, with one exception: the semantic bases of v2 and of v2Pro have the same shapes, so of two
the one called ``s1v3`` is taken for v2Pro, as its authors do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.failure import CraftError

ENGINE_NAMES = {"v2": "gpt_sovits_v2", "v2Pro": "gpt_sovits_v2pro", "v2ProPlus": "gpt_sovits_v2proplus"}
VERSIONS = tuple(ENGINE_NAMES)
HEADER_MARKS = {"v2": b"PK", "v2Pro": b"05", "v2ProPlus": b"06"}
"""The first two bytes of a SoVITS file in place of ``PK``, by which the reference knows the version."""

TEXT2SEMANTIC = "text2semantic"
SOVITS = "sovits"
DISCRIMINATOR = "discriminator"
SPEAKER_VERIFICATION = "speaker_verification"
CONTENT = "content"
TEXT = "text"

_PHONEMES = 732
_V1_PHONEMES = (322, 512)
_PLUS_KERNEL = 20
_LAST_PRO_CRITIC = "discriminators.7.convs.0.weight_v"


@dataclass(frozen=True)
class OfficialFile:
    """
    Attributes:
        kind: ``text2semantic`` (``.ckpt``), ``sovits`` (``.pth``), ``discriminator``, ``speaker_verification``,
            ``content`` (HuBERT) or ``text`` (BERT).
        version: of a SoVITS; of a discriminator ``v2`` or, for v2ProPlus too, ``v2Pro``; None for what all share.
        posterior: of a SoVITS, whether it holds what training needs. Files made for speaking do not.
    """

    kind: str
    version: str | None = None
    posterior: bool = field(default=False, compare=False)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> OfficialFile:
    """
    Raises:
        CraftError: ``checkpoint_version`` for the versions that are not spoken here, ``checkpoint_other`` for the
            files of other programs.
    """
    if any(name.startswith("cfm.") for name in shapes):
        raise CraftError("checkpoint_version", version="v3/v4", versions=", ".join(VERSIONS))
    if "model.ar_predict_layer.weight" in shapes:
        _refuse_v1(shapes.get("model.ar_text_embedding.word_embeddings.weight"))
        return OfficialFile(TEXT2SEMANTIC)
    if "enc_p.mrte.c_pre.weight" in shapes and "dec.ups.0.weight_v" in shapes:
        _refuse_v1(shapes.get("enc_p.text_embedding.weight"))
        version = "v2"
        if "sv_emb.weight" in shapes:
            version = "v2ProPlus" if shapes["dec.ups.0.weight_v"][-1] == _PLUS_KERNEL else "v2Pro"
        return OfficialFile(SOVITS, version, "enc_q.pre.weight" in shapes)
    if "discriminators.0.convs.0.weight_v" in shapes:
        return OfficialFile(DISCRIMINATOR, "v2Pro" if _LAST_PRO_CRITIC in shapes else "v2")
    if "fuse34.local_att.0.weight" in shapes:
        return OfficialFile(SPEAKER_VERIFICATION)
    names = {name.removeprefix("hubert.").removeprefix("bert.") for name in shapes}
    if "feature_projection.projection.weight" in names:
        return OfficialFile(CONTENT)
    if "embeddings.word_embeddings.weight" in names:
        return OfficialFile(TEXT)
    raise CraftError("checkpoint_other")


def _refuse_v1(embedding: tuple[int, ...] | None) -> None:
    rows = embedding[0] if embedding else 0
    if rows in _V1_PHONEMES:
        raise CraftError("checkpoint_version", version="v1", versions=", ".join(VERSIONS))
    if rows != _PHONEMES:
        raise CraftError("checkpoint_other")
