"""What every fine-tuning shares: steps in turns, a held-out loss that says when it is enough, a checkpoint to resume."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from pipelines.failure import CraftError
from pipelines.speech.engine import Monitor

Row = tuple[int, float, float | None]
"""Step, training loss, held-out loss where it was measured."""

WARMUP_STEPS = 10
LARGEST_NORM = 1.0
REPORT_EVERY = 5
FIRST_SCALE = 1024.0
"""torch begins with 64 times as much; a short training would lose its first steps to finding out that this is too much."""


def linear_decay(used: float) -> float:
    """Down to a tenth; ``used`` is the share of the steps that are done."""
    return 1.0 - 0.9 * used


def cosine_decay(used: float) -> float:
    """As ``linear_decay``, slower at either end (Loshchilov & Hutter 2017)."""
    return 0.1 + 0.9 * 0.5 * (1.0 + math.cos(math.pi * used))


@dataclass(frozen=True)
class Schedule:
    """
    Attributes:
        steps: at most; a multiple of ``check_every``.
        patience: checks without a better held-out loss, after which it ends.
        accumulation: batches a step.
    """

    steps: int
    check_every: int = 20
    patience: int = 6
    accumulation: int = 1
    decay: Callable[[float], float] = cosine_decay

    def rate(self, step: int) -> float:
        """Factor on the learning rate: linear warm-up, then ``decay``."""
        return min(1.0, (step + 1) / WARMUP_STEPS) * self.decay(step / self.steps)


@dataclass(frozen=True)
class Outcome:
    """
    Attributes:
        values: what was trained as it was at the best held-out loss, fp16 on the CPU.
        steps: taken.
        best_step: the one that ``values`` are from; 0 where training made nothing better.
    """

    values: Mapping[str, Tensor]
    steps: int
    best_step: int
    curve: tuple[Row, ...]


@dataclass(frozen=True)
class Part:
    """A monitor that takes one of several adaptations for a part of the whole.

    Attributes:
        begin, share: of the progress 0..1.
        first_step: how many steps the parts before it took.
    """

    monitor: Monitor
    begin: float
    share: float
    first_step: int = 0

    @property
    def work_dir(self) -> Path:
        return self.monitor.work_dir

    def stage(self, name: str, progress: float) -> None:
        self.monitor.stage(name, self.begin + self.share * progress)

    def loss(self, step: int, train: float, held_out: float | None) -> None:
        self.monitor.loss(self.first_step + step, train, held_out)

    def turn(self) -> AbstractContextManager[None]:
        return self.monitor.turn()


class Learner:
    """What is adapted.

    Args:
        name: of the network, as people know it.
        trained: by name, what the voice will keep.
        optimisers: by name; several where networks learn against each other.
        beside: what is trained too, and thrown away afterwards.
        precision: what to compute in; fp32 where it is None.
    """

    def __init__(
        self,
        name: str,
        device: str,
        trained: Mapping[str, Tensor],
        optimisers: Mapping[str, torch.optim.Optimizer],
        beside: Mapping[str, Tensor] | None = None,
        precision: torch.dtype | None = None,
    ) -> None:
        self.name, self.device = name, device
        self.trained, self.beside = dict(trained), dict(beside or {})
        self.optimisers = dict(optimisers)
        self.precision = precision
        # Small gradients are nothing in half precision unless they are made larger first (Micikevicius et al. 2018).
        self.scaler = torch.amp.GradScaler(
            torch.device(device).type, init_scale=FIRST_SCALE, enabled=precision is torch.float16
        )

    def loss(self, generator: torch.Generator, trained: bool = True) -> Tensor:
        """Of a batch, for the networks in ``trained``.

        Args:
            generator: of every draw.
            trained: of clips that are learnt, or of those held out.
        """
        raise NotImplementedError

    def backward(self, generator: torch.Generator, share: float) -> Tensor:
        """``share`` of the gradients of one batch added to those there are; the loss."""
        loss = self.loss(generator)
        self.scaler.scale(loss * share).backward()
        return loss.detach()

    def autocast(self) -> AbstractContextManager[None]:
        device = torch.device(self.device).type
        return torch.autocast(device, dtype=self.precision, enabled=self.precision is not None)


class Adaptation:
    """A ``Learner`` trained until the held-out clips stop improving; goes on from its checkpoint as if nothing had
    happened.

    Args:
        file: the checkpoint. When training is over, what came out of it stays there alone.
        relative: tell the monitor of losses as shares of the first held-out one, so that those of several learners
            fit into one curve.
    """

    def __init__(
        self, learner: Learner, schedule: Schedule, file: Path, monitor: Monitor, *, relative: bool = False
    ) -> None:
        self.learner, self.schedule, self.file, self.monitor = learner, schedule, file, monitor
        self.relative = relative
        self.rates = {
            name: [group["lr"] for group in optimiser.param_groups]
            for name, optimiser in learner.optimisers.items()
        }
        self.generator = torch.Generator(learner.device).manual_seed(0)
        self.step, self.curve = 0, []
        self.best = (float("inf"), 0, self._values())

    def run(self) -> Outcome:
        """
        Raises:
            CraftError: ``training_diverged``.
        """
        schedule, monitor = self.schedule, self.monitor
        if self.file.exists():
            self._load()
        else:
            with monitor.turn():
                self._check(0.0)
        recent: list[float] = []
        while self.step < schedule.steps and not self._is_enough():
            with monitor.turn():
                recent.append(self._step())
            monitor.stage("train", self.step / schedule.steps)
            if self.step % schedule.check_every == 0:
                with monitor.turn():
                    self._check(sum(recent) / len(recent))
                recent.clear()
                self._save()
            elif self.step % REPORT_EVERY == 0:
                self._tell(sum(recent[-REPORT_EVERY:]) / len(recent[-REPORT_EVERY:]), None)
        _, best_step, values = self.best
        return Outcome(values, self.step, best_step, tuple(self.curve))

    def _is_enough(self) -> bool:
        return self.step - self.best[1] >= self.schedule.patience * self.schedule.check_every

    def _step(self) -> float:
        learner, count = self.learner, self.schedule.accumulation
        for name, optimiser in learner.optimisers.items():
            for group, rate in zip(optimiser.param_groups, self.rates[name], strict=True):
                group["lr"] = rate * self.schedule.rate(self.step)
            optimiser.zero_grad(set_to_none=True)
        loss = 0.0
        for _ in range(count):
            loss += float(learner.backward(self.generator, 1.0 / count)) / count
            self._refuse_nonsense(loss)
        for optimiser in learner.optimisers.values():
            learner.scaler.unscale_(optimiser)
            parameters = [
                p for group in optimiser.param_groups for p in group["params"] if p.grad is not None
            ]
            if not parameters:  # nothing in this batch concerned it
                continue
            norm = nn.utils.clip_grad_norm_(parameters, LARGEST_NORM)
            if not learner.scaler.is_enabled():  # otherwise it leaves such a step out, and scales by less
                self._refuse_nonsense(float(norm))
            learner.scaler.step(optimiser)
        learner.scaler.update()
        self.step += 1
        return loss

    @torch.no_grad()
    def _check(self, train_loss: float) -> None:
        """Loss on the held-out clips, always with the same draws."""
        generator = torch.Generator(self.learner.device).manual_seed(1)
        held_out = float(self.learner.loss(generator, trained=False))
        self._refuse_nonsense(held_out)
        if not train_loss:
            train_loss = held_out
        self.curve.append((self.step, train_loss, held_out))
        self._tell(train_loss, held_out)
        if held_out < self.best[0]:
            self.best = (held_out, self.step, self._values())

    def _tell(self, train: float, held_out: float | None) -> None:
        whole = self.curve[0][2] if self.relative else 1.0
        self.monitor.loss(self.step, train / whole, None if held_out is None else held_out / whole)

    def _refuse_nonsense(self, number: float) -> None:
        if not math.isfinite(number):
            raise CraftError("training_diverged", stage=self.learner.name, step=self.step)

    def _values(self) -> dict[str, Tensor]:
        return {
            name: value.detach().to("cpu", torch.float16, copy=True)
            for name, value in self.learner.trained.items()
        }

    def _save(self) -> None:
        learner = self.learner
        state = {"step": self.step, "curve": self.curve, "best": list(self.best)}
        if self.step < self.schedule.steps and not self._is_enough():
            state |= {
                "values": {name: value.detach() for name, value in self._moving()},
                "optimisers": {name: o.state_dict() for name, o in learner.optimisers.items()},
                "scaler": learner.scaler.state_dict(),
                "generator": self.generator.get_state(),
            }
        temporary = self.file.with_suffix(".tmp")
        with temporary.open("wb") as file:
            torch.save(state, file)  # given a path, it does not say that a disk is full
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.file)

    def _load(self) -> None:
        learner = self.learner
        state = torch.load(self.file, map_location="cpu", weights_only=True)
        self.step, self.curve, self.best = state["step"], state["curve"], tuple(state["best"])
        if "values" not in state:  # it is over
            return
        with torch.no_grad():
            for name, value in self._moving():
                value.copy_(state["values"][name])
        for name, optimiser in learner.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        learner.scaler.load_state_dict(state["scaler"])
        self.generator.set_state(state["generator"])

    def _moving(self) -> Iterator[tuple[str, Tensor]]:
        """All that a step changes."""
        yield from self.learner.trained.items()
        yield from self.learner.beside.items()


@contextmanager
def drawn_from(generator: torch.Generator) -> Iterator[None]:
    """What networks draw by themselves follows from ``generator``; nobody else's draws are disturbed."""
    seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    devices = [generator.device] if generator.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield
