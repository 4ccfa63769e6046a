"""The training loop: AdamW, cosine schedule, moving average of the weights, log lines, checkpoints that resume.

A run is a folder: config.json, log.jsonl, checkpoint.safetensors.
"""

import json
import math
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from headform.errors import ResourceError
from headform.weights.atomic import write_bytes

Losses = dict[str, Tensor]


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast.

    Attributes:
        minutes: length of the run in minutes of training, of all its resumed parts together.
        batch: samples per step.
        rate: highest learning rate; cosine to a hundredth of it, after `warmup` steps.
        decay: of the weights (AdamW).
        average: of the moving average of the weights.
        clip: greatest norm of the gradient.
        log_every: steps.
        save_seconds: between checkpoints.
    """

    minutes: float = 60.0
    batch: int = 48
    rate: float = 1.6e-3
    decay: float = 0.02
    warmup: int = 200
    average: float = 0.998
    clip: float = 5.0
    log_every: int = 100
    save_seconds: float = 120.0


@dataclass(frozen=True)
class LoopResult:
    """What a run did: steps and minutes over all its parts, and the last losses."""

    steps: int
    samples: int
    minutes: float
    losses: dict[str, float]


class Loop:
    """Trains `module`; the averaged weights are in ``averaged`` afterwards.

    Args:
        module: the network.
        config: how long and how fast.
        folder: the run's folder.
        facts: written to config.json.
        resume: continue from the folder's checkpoint when there is one.
    """

    def __init__(
        self,
        module: nn.Module,
        config: LoopConfig,
        folder: Path,
        *,
        facts: dict[str, Any],
        resume: bool = False,
    ) -> None:
        self.module, self.config, self.folder = module, config, folder
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(
            folder / "config.json",
            (json.dumps({"loop": asdict(config), **facts}, indent=1) + "\n").encode(),
        )
        self.optimizer = torch.optim.AdamW(
            module.parameters(), lr=config.rate, weight_decay=config.decay
        )
        self.averaged = {k: v.detach().clone() for k, v in module.state_dict().items()}
        self.step, self.seconds = 0, 0.0
        self.stopped = False
        if resume and self.checkpoint.is_file():
            self._restore()

    @property
    def checkpoint(self) -> Path:
        """Where the state of the run is kept."""
        return self.folder / "checkpoint.safetensors"

    def run(
        self,
        losses_of: Callable[[int], Losses],
        validate: Callable[[nn.Module], dict[str, float]] | None = None,
        *,
        validate_every: int = 1000,
        until: float = math.inf,
        tell: Callable[[str], None] = print,
    ) -> LoopResult:
        """Train until the minutes are used up (or `until` minutes), or until SIGTERM or SIGINT, which save first.

        `losses_of` makes a batch and returns its losses; ``total`` is what is minimised.

        Raises:
            ResourceError: ``loss_not_finite``; the checkpoint before it stays.
        """
        stop = _StopSignal()
        shown: dict[str, float] = {}
        before, saved = time.monotonic(), time.monotonic()
        self.module.train()
        end = 60 * min(until, self.config.minutes)
        while self.seconds < end and not stop.asked:
            rate = self._set_rate()
            losses = losses_of(self.step)
            total = losses["total"]
            if not math.isfinite(float(total.detach())):
                raise ResourceError(
                    "loss_not_finite",
                    f"loss {float(total.detach())} at step {self.step}",
                    str(self.folder),
                )
            self.optimizer.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.module.parameters(), self.config.clip)
            self.optimizer.step()
            self._average()
            self.step += 1
            for name, value in losses.items():
                shown[name] = 0.98 * shown.get(name, float(value.detach())) + 0.02 * float(
                    value.detach()
                )
            now = time.monotonic()
            self.seconds, before = self.seconds + now - before, now
            if self.step % self.config.log_every == 0:
                line: dict[str, Any] = {
                    "step": self.step,
                    "minutes": round(self.seconds / 60, 2),
                    "rate": rate,
                }
                line |= {k: round(v, 5) for k, v in shown.items()}
                if validate is not None and self.step % validate_every == 0:
                    line |= {
                        f"val_{k}": round(v, 4) for k, v in validate(self.averaged_module()).items()
                    }
                    self.module.train()
                self._log(line, tell)
            if now - saved > self.config.save_seconds:
                self.save()
                saved = now
        self.save()
        stop.restore()
        self.stopped = stop.asked
        return LoopResult(self.step, self.step * self.config.batch, self.seconds / 60, shown)

    def averaged_module(self) -> nn.Module:
        """A copy of the module that carries the averaged weights, in evaluation mode."""
        import copy

        twin = copy.deepcopy(self.module)
        twin.load_state_dict(self.averaged)
        return twin.eval()

    def save(self) -> None:
        """Write the checkpoint under a temporary name, then rename it."""
        tensors = {f"model.{k}": v.contiguous() for k, v in self.module.state_dict().items()}
        tensors |= {f"average.{k}": v.contiguous() for k, v in self.averaged.items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{k}": v.contiguous() for k, v in state.items()}
        facts = {"step": str(self.step), "seconds": repr(self.seconds)}
        write_bytes(self.checkpoint, save(tensors, facts))

    def _restore(self) -> None:
        with safe_open(self.checkpoint, framework="pt") as file:
            facts = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}
        self.step, self.seconds = int(facts["step"]), float(facts["seconds"])
        self.module.load_state_dict(
            {k[6:]: v for k, v in tensors.items() if k.startswith("model.")}
        )
        self.averaged = {k[8:]: v for k, v in tensors.items() if k.startswith("average.")}
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, number, name = key.split(".", 2)
                state.setdefault(int(number), {})[name] = value
        whole = self.optimizer.state_dict()
        whole["state"] = state
        self.optimizer.load_state_dict(whole)

    def _set_rate(self) -> float:
        done = min(1.0, self.seconds / (self.config.minutes * 60))
        rate = self.config.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))
        rate *= min(1.0, (self.step + 1) / max(1, self.config.warmup))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(self.config.average, (1 + self.step) / (10 + self.step))
        for key, value in self.module.state_dict().items():
            if value.is_floating_point():
                self.averaged[key].lerp_(value, 1 - keep)
            else:
                self.averaged[key].copy_(value)

    def _log(self, line: dict[str, Any], tell: Callable[[str], None]) -> None:
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        tell("  ".join(f"{k} {v:.5g}" for k, v in line.items()))


class _StopSignal:
    """Remembers SIGTERM and SIGINT instead of dying of them."""

    def __init__(self) -> None:
        self.asked = False
        self._old = {s: signal.signal(s, self._ask) for s in (signal.SIGTERM, signal.SIGINT)}

    def _ask(self, number: int, frame: object) -> None:
        self.asked = True

    def restore(self) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
