"""Seconds a step and peak memory of training GPT-SoVITS at full size, on random weights: no checkpoint is needed.

    export OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=1000  # as the studio sets them for itself
    python -m benchmarks.gpt_sovits_training --version v2

Both stages, LoRA and all weights, with one clip a step and with the default, with and without gradient checkpointing.
Clips last ``--seconds``; what is in them is random, which costs the same. Every row is measured in a process of its
own, so that its peak is its own: what the process took before the networks came is not counted. SoVITS trains against
its critics, as with the published files. Processor seconds are those of all cores together, and hold on a busy machine,
too. What is printed is JSON; ``--stage`` and ``--method`` choose rows.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import psutil
import torch

from models.gpt_sovits.discriminators import V2_PERIODS, V2PRO_PERIODS, Discriminators
from models.gpt_sovits.sovits import SovitsConfig
from models.gpt_sovits.spectra import HOP, SAMPLE_RATE
from models.gpt_sovits.text2semantic import Text2Semantic, Text2SemanticConfig
from pipelines.speech.engine import FULL, LORA
from pipelines.speech.gpt_sovits.official_files import SOVITS, TEXT2SEMANTIC
from pipelines.training.adaptation import Adaptation, Learner, Schedule
from pipelines.training.gpt_sovits.examples import Example
from pipelines.training.gpt_sovits.networks import Room, TrainedSovits
from pipelines.training.gpt_sovits.plans import PLANS
from pipelines.training.gpt_sovits.sovits import SovitsLearner
from pipelines.training.gpt_sovits.text2semantic import Text2SemanticLearner

CONFIGS = {"v2": SovitsConfig(), "v2Pro": SovitsConfig.v2pro(), "v2ProPlus": SovitsConfig.v2proplus()}
PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
PHONEMES_PER_SECOND = 12


@dataclass(frozen=True)
class Row:
    """What is measured: ``batch`` clips a step, computed in so many parts as ``accumulation`` says."""

    version: str
    stage: str
    method: str
    batch: int
    checkpointing: bool
    precision: str
    device: str
    seconds: float
    steps: int
    accumulation: int = 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--version", choices=list(CONFIGS), default="v2")
    parser.add_argument("--stage", choices=(TEXT2SEMANTIC, SOVITS), action="append")
    parser.add_argument("--method", choices=(LORA, FULL), action="append")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=list(PRECISIONS), help="the studio's choice when not given")
    parser.add_argument("--seconds", type=float, default=6.0, help="of every clip")
    parser.add_argument("--steps", type=int, default=3, help="measured, after one that is not")
    options = parser.parse_args()
    # Each in a fresh process, whose peak is then of this row alone.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found = pool.map(measure, rows(options), chunksize=1)
    print(json.dumps({"threads": torch.get_num_threads(), "rows": found}, indent=1))


def rows(options: argparse.Namespace) -> Iterator[Row]:
    chosen = {dtype: name for name, dtype in PRECISIONS.items()}[Room.of(options.device).precision]
    for stage in options.stage or (TEXT2SEMANTIC, SOVITS):
        for method in options.method or (LORA, FULL):
            plan = PLANS[method]["good"]
            default = (plan.text2semantic if stage == TEXT2SEMANTIC else plan.sovits).batch
            for batch, checkpointing in ((1, False), (default, False), (default, True)):
                yield Row(
                    options.version, stage, method, batch, checkpointing, options.precision or chosen,
                    options.device, options.seconds, options.steps,
                )  # fmt: skip


def measure(row: Row) -> dict[str, object]:
    torch.manual_seed(0)
    cuda = torch.device(row.device).type == "cuda"
    before = 0 if cuda else psutil.Process().memory_info().rss
    adaptation = Adaptation(learner_of(row), Schedule(10**6), None, None)
    seconds, worked = [], []
    for _ in range(row.steps + 1):
        began, work_began = time.perf_counter(), time.process_time()
        adaptation._step()
        if cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
        worked.append(time.process_time() - work_began)
    peak = torch.cuda.max_memory_allocated() if cuda else peak_bytes() - before
    return {
        "stage": row.stage,
        "method": row.method,
        "precision": row.precision,
        "batch": row.batch,
        "checkpointing": row.checkpointing,
        "seconds_per_step": round(statistics.median(seconds[1:]), 2),
        "processor_seconds_per_step": round(statistics.median(worked[1:]), 2),
        "peak_mib": round(peak / 2**20),
    }


def learner_of(row: Row) -> Learner:
    room = Room(PRECISIONS[row.precision], row.checkpointing, row.accumulation)
    plan = PLANS[row.method]["good"]
    config = CONFIGS[row.version]
    examples = [example(row.seconds, config) for _ in range(max(row.batch, 2))]
    if row.stage == TEXT2SEMANTIC:
        plan = replace(plan, text2semantic=replace(plan.text2semantic, batch=row.batch))
        network = Text2Semantic(Text2SemanticConfig()).eval()
        return Text2SemanticLearner(network, examples, plan, row.device, room)
    plan = replace(plan, sovits=replace(plan.sovits, batch=row.batch))
    critics = Discriminators(V2_PERIODS if row.version == "v2" else V2PRO_PERIODS)
    network = TrainedSovits(config)
    network.quantizer.codebook.normal_()
    return SovitsLearner(network, critics, examples, plan, row.device, room)


def example(seconds: float, config: SovitsConfig) -> Example:
    frames = int(seconds * SAMPLE_RATE / HOP) // 2 * 2
    phonemes = int(seconds * PHONEMES_PER_SECOND)
    return Example(
        wave=0.1 * torch.randn(frames * HOP),
        content=torch.randn(config.semantic_channels, frames).half(),
        tokens=torch.randint(config.codebook_size, (frames // 2,)),
        phonemes=torch.randint(config.phonemes, (phonemes,)),
        bert=torch.zeros(Text2SemanticConfig().bert_channels, phonemes).half(),
        speaker=torch.randn(config.speaker_channels) if config.speaker_channels else None,
        told=True,
        trained=True,
    )


def peak_bytes() -> int:
    """Of this process, since it began."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows keeps the figure elsewhere
        return psutil.Process().memory_info().peak_wset
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
