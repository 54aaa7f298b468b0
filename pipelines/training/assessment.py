"""How a trained voice came out: how near it is to recordings it never heard, and how much of a sentence arrives."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pipelines.audio.recording import Recording
from pipelines.speech.engine import Monitor, SpeechEngine
from pipelines.speech.starter import StarterEngine
from pipelines.speech.voice import Voice


@torch.inference_mode()
def assess(
    judge: StarterEngine,
    engine: SpeechEngine,
    voice: Voice,
    held_out: Sequence[Tensor],
    sentences: Sequence[str],
    monitor: Monitor,
) -> tuple[float, float]:
    """Speaker cosine of ``sentences`` in ``voice`` to real ``held_out`` mels, and the mean score of the takes.

    Args:
        judge: whose speaker encoder is asked. It ships with the studio, so voices of all engines are measured by one
            rule, and none of them was trained to please it but its own.
        engine: who speaks.
        held_out: ``[T, MEL_BANDS]`` of ``judge.mel``.
    """
    spoken, scores = [], []
    with monitor.turn():
        real = torch.cat([_speaker(judge, mel) for mel in held_out]).mean(0)
    for seed, sentence in enumerate(sentences):
        with monitor.turn():
            take = engine.synthesize(sentence, voice, {}, seed)
            spoken.append(_speaker(judge, judge.mel(Recording(take.wave, take.sample_rate))))
            scores.append(take.score)
    cosine = float(torch.nn.functional.cosine_similarity(real, torch.cat(spoken).mean(0), dim=0))
    return cosine, sum(scores) / len(scores)


def _speaker(judge: StarterEngine, mel: Tensor) -> Tensor:
    return judge.acoustic.speaker_of(mel.unsqueeze(0))
