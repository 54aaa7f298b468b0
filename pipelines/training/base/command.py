"""``python -m pipelines.training.base listener|acoustic|mandarin|vocoder --corpus DIR ... --out DIR --minutes N``

Each command resumes from ``OUT/training.pt`` when that is there, logs to ``OUT/log.csv`` and leaves the network as it
ships in ``OUT/<name>.safetensors``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from pipelines.training.base.acoustic import train_acoustic
from pipelines.training.base.listener import train_listener
from pipelines.training.base.loop import Budget
from pipelines.training.base.mandarin import train_mandarin
from pipelines.training.base.speech_set import load_speech
from pipelines.training.base.vocoder import train_vocoder
from pipelines.training.together import train_together

RECIPES = {
    "listener": train_listener,
    "acoustic": train_acoustic,
    "mandarin": train_mandarin,
    "vocoder": train_vocoder,
}
BATCH = {"listener": (96, 8), "acoustic": (128, 12), "mandarin": (64, 8), "vocoder": (48, 6)}
"""Clips in a step, on CUDA and on the CPU."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network", choices=RECIPES)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=90.0)
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--batch", type=int, help="clips in a step")
    parser.add_argument(
        "--threads", type=int, default=1, help="CPU threads; two processes train faster than two threads"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--init",
        type=Path,
        help="weights of an earlier training to go on from; mandarin: the acoustic network it is for",
    )
    parser.add_argument(
        "--warmup", type=int, default=Budget.warmup_steps, help="steps up to the highest rate"
    )
    parser.add_argument("--rate", type=float, help="learning rate at its highest; each recipe has its own")
    parser.add_argument("--crop", type=int, help="frames of each clip in a step; not for the vocoder")
    parser.add_argument("--bf16", action="store_true", help="listener and acoustic; pays with AVX512-BF16")
    parser.add_argument(
        "--keep", nargs="+", default=(), help="acoustic: weights whose names begin so stay as in --init"
    )
    parser.add_argument("--processes", type=int, default=1, help="train together over gloo; for the CPU")
    arguments = parser.parse_args()
    if arguments.keep and arguments.network != "acoustic":
        parser.error("--keep is for the acoustic network")
    if arguments.network == "vocoder" and (arguments.rate or arguments.crop):
        parser.error("the vocoder has a rate and a crop of its own")
    if arguments.network in ("vocoder", "mandarin") and arguments.bf16:
        parser.error("--bf16 is for the listener and the acoustic network")
    train_together(train, arguments, arguments.processes)


def train(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    on_cuda, on_cpu = BATCH[arguments.network]
    asked = {name: getattr(arguments, name) for name in ("rate", "crop", "bf16", "keep")}
    batch = arguments.batch or (on_cuda if arguments.device.startswith("cuda") else on_cpu)
    speech = load_speech(arguments.corpus, arguments.device, pitch=arguments.network == "vocoder")
    seconds = len(speech.mel) / 86.13
    print(
        f"{len(speech.frames)} clips, {seconds / 3600:.2f} h, {int(speech.speaker.max()) + 1} speakers",
        flush=True,
    )
    RECIPES[arguments.network](
        speech,
        arguments.out,
        Budget(arguments.minutes, arguments.steps, arguments.warmup),
        batch=batch,
        seed=arguments.seed,
        init=arguments.init,
        **{name: value for name, value in asked.items() if value},
    )
