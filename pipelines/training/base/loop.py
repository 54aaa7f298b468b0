"""The loop that trains every base: a budget of minutes, a checkpoint that resumes, a plain table of losses."""

from __future__ import annotations

import copy
import csv
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from pipelines.training.together import as_the_first, mean_gradients, rank


@dataclass(frozen=True)
class Budget:
    """When a training ends: after so many minutes of training or so many steps, whichever comes first.

    The learning rate follows the share of the budget that is used, so any budget ends in a full decay.
    """

    minutes: float
    steps: int = 10**9
    warmup_steps: int = 300
    average_decay: float = 0.999

    def used(self, step: int, seconds: float) -> float:
        return min(1.0, max(step / self.steps, seconds / 60 / self.minutes))

    def rate(self, step: int, seconds: float) -> float:
        """Factor on the learning rate: linear warm-up, cosine down to 2 %."""
        decay = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.used(step, seconds)))
        return min(1.0, (step + 1) / self.warmup_steps) * decay


class Training:
    """Networks, their optimisers and their moving averages, as one thing that can be saved and resumed.

    Args:
        networks: by name; ``averaged`` names those of which a moving average is kept (and shipped).
        optimisers: by name.
    """

    def __init__(
        self,
        folder: Path,
        budget: Budget,
        networks: Mapping[str, nn.Module],
        optimisers: Mapping[str, torch.optim.Optimizer],
        averaged: tuple[str, ...],
    ) -> None:
        self.folder, self.budget = folder, budget
        self.networks, self.optimisers = dict(networks), dict(optimisers)
        self.averages = {
            name: copy.deepcopy(networks[name]).eval().requires_grad_(False) for name in averaged
        }
        self.step, self.seconds = 0, 0.0
        self.rates = {name: optimiser.param_groups[0]["lr"] for name, optimiser in optimisers.items()}
        folder.mkdir(parents=True, exist_ok=True)

    def resume(self) -> None:
        path = self.folder / "training.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        for group, stored in (
            (self.networks, "networks"),
            (self.averages, "averages"),
            (self.optimisers, "optimisers"),
        ):
            for name, thing in group.items():
                thing.load_state_dict(state[stored][name])
        self.step, self.seconds = state["step"], state["seconds"]

    def save(self) -> None:
        state = {
            "networks": {name: thing.state_dict() for name, thing in self.networks.items()},
            "averages": {name: thing.state_dict() for name, thing in self.averages.items()},
            "optimisers": {name: thing.state_dict() for name, thing in self.optimisers.items()},
            "step": self.step,
            "seconds": self.seconds,
        }
        temporary = self.folder / "training.tmp"
        torch.save(state, temporary)
        os.replace(temporary, self.folder / "training.pt")

    def descend(self, name: str, loss: Tensor, largest_norm: float) -> None:
        """One update by the optimiser ``name``; processes that train together use the mean of their gradients."""
        optimiser = self.optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        parameters = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
        mean_gradients(parameters)
        nn.utils.clip_grad_norm_(parameters, largest_norm)
        optimiser.step()

    def run(
        self,
        step: Callable[[float], dict[str, Tensor]],
        *,
        held_out: Callable[[], dict[str, Tensor]],
        ship: Callable[[], None],
        check_seconds: float = 60.0,
        save_seconds: float = 120.0,
    ) -> None:
        """Train until the budget is used.

        Args:
            step: given the share of the budget used, computes losses and updates the networks.
            held_out: the averaged networks' losses on held-out clips.
            ship: writes the averaged networks as they would ship.
        """
        log = self.folder / "log.csv"
        last_check = last_save = begun = time.monotonic()
        sums: dict[str, Tensor] = {}
        since = 0
        while self.budget.used(self.step, self.seconds) < 1.0:
            for name, optimiser in self.optimisers.items():
                for group in optimiser.param_groups:
                    group["lr"] = (
                        self.rates[name]
                        * group.get("factor", 1.0)
                        * self.budget.rate(self.step, self.seconds)
                    )
            losses = step(self.budget.used(self.step, self.seconds))
            self.step += 1
            since += 1
            decay = min(self.budget.average_decay, (self.step + 1) / (self.step + 10))
            for name, average in self.averages.items():
                with torch.no_grad():
                    target = [p for p in average.parameters()]
                    torch._foreach_lerp_(
                        target, [p.detach() for p in self.networks[name].parameters()], 1 - decay
                    )
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0) + loss.detach()
            now = time.monotonic()
            self.seconds = as_the_first(self.seconds + now - begun)
            begun = now
            if rank():
                continue
            if now - last_check > check_seconds or self.budget.used(self.step, self.seconds) >= 1.0:
                row = {"step": self.step, "minutes": round(self.seconds / 60, 2)}
                row |= {name: float(total) / since for name, total in sums.items()}
                with torch.no_grad():
                    row |= {f"held_out_{name}": float(loss) for name, loss in held_out().items()}
                self._write(log, row)
                sums, since, last_check = {}, 0, time.monotonic()
                ship()
            if now - last_save > save_seconds:
                self.save()
                last_save = time.monotonic()
        if not rank():
            self.save()
            ship()

    @staticmethod
    def _write(log: Path, row: Mapping[str, float]) -> None:
        print("  ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)
        new = not log.exists()
        with log.open("a", newline="") as file:
            writer = csv.DictWriter(file, row.keys())
            if new:
                writer.writeheader()
            writer.writerow(row)
