"""How long and how hard each quality trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.speech.engine import FULL, LORA


@dataclass(frozen=True)
class StagePlan:
    """
    Attributes:
        steps: at most; held-out loss may end it earlier.
        batch: clips a step.
    """

    steps: int
    learning_rate: float
    batch: int = 4
    check_every: int = 20
    patience: int = 5

    @property
    def clips(self) -> int:
        """That all steps together look at."""
        return self.steps * self.batch


@dataclass(frozen=True)
class Plan:
    """``lora_rank`` is 0 where all of the weights are trained."""

    text2semantic: StagePlan
    sovits: StagePlan
    lora_rank: int = 0


PLANS: Mapping[str, Mapping[str, Plan]] = {
    LORA: {
        "quick": Plan(StagePlan(60, 3e-4), StagePlan(60, 4e-4, batch=2), lora_rank=4),
        "good": Plan(StagePlan(160, 3e-4), StagePlan(160, 4e-4), lora_rank=8),
        "best": Plan(StagePlan(400, 2e-4), StagePlan(480, 3e-4), lora_rank=8),
    },
    # The rate of SoVITS is that of the public recipe; its ScaledAdam for the GPT moves weights by shares of
    # their size, which AdamW comes near with this one.
    FULL: {
        "quick": Plan(StagePlan(60, 2e-5), StagePlan(60, 1e-4, batch=2)),
        "good": Plan(StagePlan(160, 2e-5), StagePlan(160, 1e-4)),
        "best": Plan(StagePlan(400, 2e-5), StagePlan(480, 1e-4)),
    },
}

AROUND_SECONDS = 90.0
"""Clips, their texts and features, and six sentences to judge by, for a minute of speech."""
TEXT2SEMANTIC_SECONDS = {LORA: 0.4, FULL: 0.45}
SOVITS_SECONDS = {
    LORA: {"v2": 1.1, "v2Pro": 1.3, "v2ProPlus": 1.7},
    FULL: {"v2": 1.25, "v2Pro": 1.5, "v2ProPlus": 2.0},
}
"""For each clip of each step, on the reference machine; from the processor seconds that
``benchmarks.gpt_sovits_training`` measured."""


def reference_seconds(method: str, version: str) -> dict[str, float]:
    """Quality -> seconds on the reference machine, when no stage ends early."""
    first, second = TEXT2SEMANTIC_SECONDS[method], SOVITS_SECONDS[method][version]
    return {
        quality: AROUND_SECONDS + plan.text2semantic.clips * first + plan.sovits.clips * second
        for quality, plan in PLANS[method].items()
    }
