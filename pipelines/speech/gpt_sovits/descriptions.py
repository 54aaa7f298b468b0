"""What can be known of the GPT-SoVITS engines without loading any: which are complete, and what they obey."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pipelines.failure import CraftError
from pipelines.speech.engine import (
    FULL,
    LORA,
    Control,
    EngineDescription,
    SpeechEngine,
    TrainingMethod,
)
from pipelines.speech.gpt_sovits.bases import Bases, Parts
from pipelines.speech.gpt_sovits.official_files import ENGINE_NAMES
from pipelines.speech.gpt_sovits.voice_files import VoiceFiles
from pipelines.text.gpt_sovits.extras import PACKAGES, can_read
from pipelines.training.gpt_sovits.plans import reference_seconds

SAMPLE_RATE = 32_000
CONTROLS = (
    Control("noise_scale", 0.0, 1.0, 0.5, 0.05),
    Control("length_scale", 0.5, 2.0, 1.0, 0.05),
    Control("temperature", 0.1, 2.0, 1.0, 0.05, advanced=True),
    Control("top_k", 1, 100, 15, 1, advanced=True),
    Control("top_p", 0.05, 1.0, 1.0, 0.05, advanced=True),
    Control("repetition_penalty", 1.0, 2.0, 1.35, 0.05, advanced=True),
    Control("cantonese", 0, 1, 0, 1, advanced=True),
    Control("reference_free", 0, 1, 0, 1, advanced=True),
)
"""``cantonese`` 1 takes Chinese characters for Cantonese: no letter tells the two languages apart. ``reference_free`` 1
does not go on from the reference's words, only in its sound; so a voice speaks whose reference nobody could write down."""
BATCH = 4
"""Sentences spoken at once: enough to share the streaming of the weights, few enough that the next person is heard soon."""
_LANGUAGES = ("en", "zh", "ja", "ko", "yue")
_NEED_BERT = ("zh", "yue")
"""Cantonese does without its vectors, but not without the characters, which a base without BERT does not read."""
_BYTES_A_PARAMETER = 4
_BYTES_A_STORED_PARAMETER = 2
_WORKING_BYTES = 200 * 2**20
_TRAINING_BYTES = 1536 * 2**20
"""What the networks remember of a step until its gradients are there (``benchmarks.gpt_sovits_training``)."""
_ADAPTER_BYTES = 7 * 2**20


def descriptions(folder: Path) -> dict[str, EngineDescription]:
    """The versions whose files are all in ``folder``, in the order of their quality."""
    bases, found = Bases(folder), {}
    bases.forget_others()
    for version, name in ENGINE_NAMES.items():
        try:
            parts = bases.parts(version)
        except CraftError:
            continue
        offered = [language for language in _LANGUAGES if parts.text or language not in _NEED_BERT]
        found[name] = EngineDescription(
            name=name,
            languages=tuple(language for language in offered if can_read(language)),
            sample_rate=SAMPLE_RATE,
            controls=CONTROLS,
            resident_bytes=_resident_bytes(parts),
            load=partial(_load, name, version, folder),
            missing_packages={
                language: PACKAGES[language][1] for language in offered if not can_read(language)
            },
            methods=_methods(version, parts),
            exchange=VoiceFiles(folder),
            batch=BATCH,
            streams=True,
        )
    return found


def _resident_bytes(parts: Parts) -> int:
    """Everything in fp32, and once more the two networks of a voice that brought its own."""
    own = sum(base.parameters for base in parts.voice_weights.values())
    return (parts.parameters + own) * _BYTES_A_PARAMETER + _WORKING_BYTES


def _methods(version: str, parts: Parts) -> tuple[TrainingMethod, ...]:
    """None where the base was made for speaking alone."""
    if not parts.sovits.file.posterior:
        return ()
    own = [base.parameters for base in parts.voice_weights.values()]
    critics = parts.discriminator.parameters if parts.discriminator else 0
    # One network after the other; of what moves there are gradients and two moments, too.
    moving = {LORA: max(own) + 4 * critics, FULL: 4 * (max(own) + critics)}
    size = {LORA: _ADAPTER_BYTES, FULL: sum(own) * _BYTES_A_STORED_PARAMETER}
    return tuple(
        TrainingMethod(
            method,
            reference_seconds(method, version),
            moving[method] * _BYTES_A_PARAMETER + _TRAINING_BYTES,
            size[method],
        )
        for method in (LORA, FULL)
    )


def _load(name: str, version: str, folder: Path, device: str) -> SpeechEngine:
    from pipelines.speech.gpt_sovits.engine import GptSovitsEngine

    return GptSovitsEngine.load(name, Bases(folder).parts(version), device)
