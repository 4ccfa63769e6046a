"""The trainer of all stages: steps, schedule, average, log, checkpoints from which a run goes on to the bit.

B samples of the global batch.

A run is a folder: config.json, log.jsonl, checkpoint.safetensors and the checkpoint before it. Everything that is drawn at
random while training derives from (seed, step, rank): torch's global generator (dropout) is seeded anew before each step,
and `Step.rng` is made from the same numbers, so that module, optimizer and average are all there is to restore. A run in
steps, killed at any moment and resumed on the same machine's CPU with the same number of threads and processes, ends in
the bits of one that was never interrupted. Under `torchrun` the same code trains with several processes, see `run`.
"""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor, nn

from headform.errors import ResourceError, UsageError
from headform.io.model_file import check_state
from headform.io.progress import TrainingProgress
from headform.train._run_folder import RunLog, check_config, write_config
from headform.train._stop_signal import StopSignal, watched
from headform.train.checkpoint import (
    NEWEST,
    PREVIOUS,
    Checkpoint,
    clear_leftovers,
    load_checkpoint,
    save_checkpoint,
)
from headform.train.config import MAY_CHANGE, TrainerConfig
from headform.train.distributed import init_distributed
from headform.train.ema import Average
from headform.train.optimizer import (
    build_optimizer,
    gradient_norm,
    optimizer_tensors,
    restore_optimizer,
    set_rate,
)
from headform.train.sampler import EpochSampler, share_of
from headform.train.schedule import rate_factor

Losses = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Step:
    """What a stage is told of the step whose losses it is asked for.

    Attributes:
        number: Counted from 0, over all parts of the run.
        count: Samples that this process is to use, B / processes.
        indices: Which items of the data set, when the trainer was told how many there are.
        rng: Drawn from (seed, step, rank): for everything else that is left to chance.
    """

    number: int
    count: int
    indices: Int64[np.ndarray, " count"] | None
    rng: np.random.Generator


@dataclass(frozen=True)
class TrainResult:
    """What a run did, over all its parts.

    Attributes:
        steps: Done.
        samples: Seen, by all processes together.
        minutes: Of training.
        losses: Running means of the last ones, factor 0.98.
        stopped: Whether a signal ended it before its time.
    """

    steps: int
    samples: int
    minutes: float
    losses: dict[str, float]
    stopped: bool


class Trainer:
    """Trains `module` in a folder.

    Args:
        module: The network, on its device; its first weights are the caller's to seed.
        config: How long, how fast, how often.
        folder: The run's; made when it is not there. With several processes, all must see it.
        facts: Plain JSON values for config.json, beside the trainer's own configuration: what else
            decides the outcome.
        count: Items of an indexed data set; `Step.indices` is None without.
        resume: Go on from the folder's checkpoint, or start when it has come to none yet.
        may_change: Further fields of config.json, as dotted names, that may differ on resuming;
            `headform.train.config.MAY_CHANGE` always may.

    Attributes:
        module: As given; holds the last weights, not the averaged ones.
        step: Steps done.
        seconds: Of training.
        stopped: Whether a signal ended the last `run`.
        team: This process among all.

    Raises:
        UsageError: `run_exists` when the folder holds a checkpoint and `resume` is not asked for;
            `config_changed`; `batch_uneven`; `dataset_small`; `group_empty`.
        WeightsError: `checkpoint_damaged`; `weights_mismatch` when the checkpoint is of another
            network.
        ResourceError: `write_failed`.
    """

    def __init__(
        self,
        module: nn.Module,
        config: TrainerConfig,
        folder: Path,
        *,
        facts: dict[str, Any],
        count: int | None = None,
        resume: bool = False,
        may_change: tuple[str, ...] = (),
    ) -> None:
        self.module, self.config, self.folder = module, config, folder
        self.team = init_distributed()
        self.step, self.seconds, self.stopped = 0, 0.0, False
        self._share = share_of(config.batch, self.team.world_size)
        self.sampler = (
            None if count is None else EpochSampler(count, config.batch, config.seed, drop_last=config.drop_last)
        )
        asked = {"trainer": asdict(config), "items": count, **facts}
        found = self._open_folder(asked, resume, MAY_CHANGE + may_change)
        self.optimizer = build_optimizer(module, config.optimizer, config.groups)
        self._parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self._shown: dict[str, float] = {}
        self._log = RunLog(folder)
        self._device = self._parameters[0].device
        if found is not None:
            self._restore(found)
        self.net = self.team.wrap(module)  # what `losses_of` is given
        self._average = None if config.average is None else Average(module, config.average)
        if found is not None and self._average is not None:
            self._average.restore(_part(found.tensors, "average."))
        self._saved_step = -1 if found is None else self.step
        if self.team.is_main:
            write_config(folder, asked)
            self._log.cut(self.step if found is not None else -1)

    def run(
        self,
        losses_of: Callable[[nn.Module, Step], Losses],
        validate: Callable[[nn.Module], dict[str, float]] | None = None,
        *,
        until: float = math.inf,
        tell: Callable[[str], None] | None = None,
    ) -> TrainResult:
        """Train until the steps or minutes are used up, or until SIGTERM or SIGINT.

        A signal (to any of the processes) lets the step finish, saves, and says how to resume; a
        second one ends the process at once. May be called several times, for parts of a run.

        With W processes each gets 1 / W of the batch and the gradients are averaged: when every
        loss is a mean over samples, the run follows that of one process up to rounding. What is
        drawn from `Step.rng` or by dropout differs between processes by intent.

        Args:
            losses_of: Given the network (wrapped for several processes: call it, do not look
                inside) and the step, computes a batch's losses; `total` is minimized, all are
                logged, averaged over the processes.
            validate: Given the averaged network in evaluation mode, measures it; runs in the first
                process only.
            until: Steps or minutes, whichever the run is measured in, after which to return early.
            tell: Where lines go, in place of a progress bar or standard output.

        Raises:
            ResourceError: `loss_not_finite` when the loss or the gradient holds NaN or infinity;
                the last checkpoint stays, the step is not taken. `write_failed`.
        """
        self.stopped = False
        unit = "steps" if self.config.steps is not None else "minutes"
        show = TrainingProgress(self.config.length, unit, log=tell, silent=not self.team.is_main)
        with watched() as stop, show:
            before = saved = time.monotonic()
            self.module.train()
            while self.done < min(until, self.config.length) and not self.stopped:
                rate = self._begin()
                losses = losses_of(self.net, self._step())
                now = time.monotonic()
                means = self._agree(losses, stop, now - before)
                before = now
                norm = self._descend(losses["total"], means)
                for name, value in means.items():
                    self._shown[name] = 0.98 * self._shown.get(name, value) + 0.02 * value
                show.advance(self.done, means["total"])
                if self.team.is_main:
                    self._tell_of_step({"rate": rate, "gradient": norm}, validate, show)
                    if self._save_due(now - saved):
                        self.save()
                        saved = now
            if self.team.is_main and self._saved_step != self.step:
                self.save()
            self.team.wait()
            self.stopped &= self.done < self.config.length  # after the last step nothing is left
            if self.stopped:
                show.line(
                    f"stopped after step {self.step}, saved in {self.folder}; "
                    "the same command with --resume goes on from there"
                )
        return self.result()

    def result(self) -> TrainResult:
        """What has been done so far."""
        samples = self.step * self.config.batch
        return TrainResult(self.step, samples, self.seconds / 60, dict(self._shown), self.stopped)

    @property
    def done(self) -> float:
        """Steps or minutes behind, whichever the run is measured in."""
        return float(self.step) if self.config.steps is not None else self.seconds / 60

    def averaged_module(self) -> nn.Module:
        """A copy of the module in evaluation mode, with the averaged weights (the last ones when none are averaged)."""
        twin = copy.deepcopy(self.module)
        if self._average is not None:
            twin.load_state_dict(self._average.tensors)
        return twin.eval()

    def save(self) -> None:
        """Write a checkpoint of the present step.

        Raises:
            ResourceError: `write_failed`; the last checkpoint stays.
        """
        parts = {
            "model": self.module.state_dict(),
            "optimizer": optimizer_tensors(self.optimizer, self.module),
            "average": {} if self._average is None else self._average.tensors,
        }
        tensors = {f"{part}.{k}": v for part, state in parts.items() for k, v in state.items()}
        facts = {"step": self.step, "seconds": self.seconds, "shown": self._shown}
        self._log.flush()
        save_checkpoint(self.folder, tensors, facts)
        self._saved_step = self.step

    def _open_folder(self, asked: dict[str, Any], resume: bool, may_change: tuple[str, ...]) -> Checkpoint | None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if resume:
            check_config(self.folder, asked, may_change)
        elif (self.folder / NEWEST).exists() or (self.folder / PREVIOUS).exists():
            what = "the folder holds a run already"
            fix = "go on with it by --resume, or choose another folder"
            raise UsageError("run_exists", what, str(self.folder), fix)
        if self.team.is_main:
            clear_leftovers(self.folder)
        return load_checkpoint(self.folder) if resume else None

    def _restore(self, found: Checkpoint) -> None:
        where = repr(str(found.path))
        model = _part(found.tensors, "model.")
        check_state(self.module, model, where)
        if self.config.average is not None:
            check_state(self.module, _part(found.tensors, "average."), where)
        self.module.load_state_dict(model)
        state = _part(found.tensors, "optimizer.")
        restore_optimizer(self.optimizer, self.module, state, where)
        self.step, self.seconds = found.facts["step"], found.facts["seconds"]
        self._shown = found.facts["shown"]

    def _begin(self) -> float:
        """Rate and generators of the step that begins."""
        done = self.done / self.config.length
        rate = self.config.optimizer.rate * rate_factor(self.config.schedule, self.step, done)
        set_rate(self.optimizer, rate)
        key = (self.step, self.team.rank, 1)
        words = np.random.SeedSequence(self.config.seed, spawn_key=key).generate_state(2)
        torch.manual_seed(int(words[0]) << 32 | int(words[1]))
        return rate

    def _step(self) -> Step:
        rank, ranks = self.team.rank, self.team.world_size
        key = np.random.SeedSequence(self.config.seed, spawn_key=(self.step, rank, 2))
        indices = None if self.sampler is None else self.sampler.indices(self.step, rank, ranks)
        return Step(self.step, self._share, indices, np.random.default_rng(key))

    def _agree(self, losses: Losses, stop: StopSignal, seconds: float) -> dict[str, float]:
        """Mean of each loss over the processes; the first one's clock and anybody's stop."""
        values = torch.stack([v.detach().double() for v in losses.values()]).tolist()
        mine = [float(stop.asked), seconds if self.team.is_main else 0.0, *values]
        asked, passed, *sums = self.team.total(mine, self._device)
        self.seconds += passed
        self.stopped = asked > 0
        means = {k: v / self.team.world_size for k, v in zip(losses, sums, strict=True)}
        if not math.isfinite(means["total"]):
            bad = [k for k, v in means.items() if not math.isfinite(v) and k != "total"]
            because = f" because of {', '.join(bad)}" if bad else ""
            raise self._not_finite(f"the loss is {means['total']}{because}")
        return means

    def _descend(self, total: Tensor, means: dict[str, float]) -> float:
        """One step downhill, unless the gradient is not finite; its norm before clipping."""
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        norm = gradient_norm(self._parameters, self.config.clip)
        if not math.isfinite(norm):
            grads = {n: p.grad for n, p in self.module.named_parameters() if p.grad is not None}
            bad = [n for n, g in grads.items() if not bool(torch.isfinite(g).all())]
            shown = ", ".join(bad[:3]) + (" and others" if len(bad) > 3 else "")
            raise self._not_finite(f"the gradient of the loss {means['total']:.6g} has norm {norm} ({shown})")
        self.optimizer.step()
        if self._average is not None:
            self._average.update(self.module, self.step)
        self.step += 1
        return norm

    def _not_finite(self, what: str) -> ResourceError:
        kept = f"the checkpoint of step {self._saved_step} stays" if self._saved_step >= 0 else ""
        fix = "lower the learning rate" + (f"; {kept}" if kept else "")
        return ResourceError("loss_not_finite", f"{what} at step {self.step}", str(self.folder), fix)

    def _tell_of_step(
        self,
        facts: dict[str, float],
        validate: Callable[[nn.Module], dict[str, float]] | None,
        show: TrainingProgress,
    ) -> None:
        last = self.done >= self.config.length
        checked = validate is not None and (last or self.step % self.config.validate_every == 0)
        if not (last or checked or self.step % self.config.log_every == 0):
            return
        line: dict[str, Any] = {"step": self.step, "minutes": round(self.seconds / 60, 2)}
        numbers = facts | self._shown
        if validate is not None and checked:
            numbers |= {f"val_{k}": v for k, v in validate(self.averaged_module()).items()}
        line |= {k: float(f"{v:.6g}") for k, v in numbers.items()}
        self._log.append(line)
        show.line("  ".join(f"{k} {v:.5g}" for k, v in line.items()))

    def _save_due(self, seconds: float) -> bool:
        every, wait = self.config.save_every, self.config.save_seconds
        return (every is not None and self.step % every == 0) or (wait is not None and seconds > wait)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
