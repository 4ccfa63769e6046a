"""Trainer of all stages: phases, schedule, weight averaging, log, and checkpoints with bit-exact resumption.

B samples of the global batch, W processes.

A step runs every phase in order (`PhaseConfig`), each as often as it repeats; a repeat draws a batch of its own, split into
`accumulate` micro-batches, and ends with one step of that phase's optimizer. Without phases a step is one step of one
optimizer.

A run is a folder: config.json, log.jsonl, checkpoint.safetensors and the checkpoint before it. All random draws while
training derive from (seed, step, rank): torch's global generator (dropout) is reseeded before each step, and `Step.rng` is
seeded with the same numbers, so that only module, optimizer and average have to be restored. A run measured in steps,
killed at any moment and resumed on the CPU of the same machine with the same number of threads and processes, ends with
the same bits as an uninterrupted one. Under `torchrun` the same code trains with several processes, see `run`.
"""

import contextlib
import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headform.errors import ResourceError, UsageError, WeightsError
from headform.io.folder_lock import FolderLock
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
from headform.train.config import RESUMABLE_FIELDS, TrainerConfig
from headform.train.distributed import init_distributed
from headform.train.ema import WeightEma
from headform.train.frozen import digest_of, frozen_names
from headform.train.optimizer import matches
from headform.train.phase import Phase, build_phases
from headform.train.sampler import EpochSampler, share_of
from headform.train.schedule import lr_factor
from headform.train.step import Losses as Losses
from headform.train.step import Step as Step
from headform.train.step import TrainResult as TrainResult


class Trainer:
    """Training loop of a module, with its state in a run folder.

    Args:
        module: Network, on its device, with initial weights seeded by the caller.
        config: Length, optimizer, schedule and intervals.
        folder: Run folder, created if absent. With several processes, all must have access to it.
        metadata: Plain JSON values for config.json, in addition to the trainer's configuration: all else that determines
            the result.
        count: Size of an indexed data set; without it, `Step.indices` is None.
        resume: True to resume from the checkpoint in the folder, or to start if there is none yet.
        resumable_fields: Further fields of config.json, as dotted names, that may differ on resuming;
            those of `headform.train.config.RESUMABLE_FIELDS` always may.
        frozen: Patterns of `module.state_dict()`, such as ``backbone.*``, of frozen tensors: left out of checkpoint
            and average; their SHA-256 is stored instead and compared on resuming.

    Attributes:
        module: Network with the latest weights, not the averaged ones.
        step: Number of steps done.
        seconds: Duration of the training in seconds.
        stopped: True if a signal ended the last `run`.
        context: Place of this process among all.

    Raises:
        UsageError: `run_exists` when the folder holds a checkpoint and `resume` is False; `config_changed`;
            `batch_uneven`; `dataset_small`; `group_empty`; `phase_empty`; `frozen_invalid`.
        WeightsError: `checkpoint_damaged`; `weights_mismatch` when the checkpoint is of another network;
            `frozen_changed` when the frozen part differs from that at the start of the run.
        ResourceError: `write_failed`; `folder_in_use` while another process trains in the folder.
    """

    def __init__(
        self,
        module: nn.Module,
        config: TrainerConfig,
        folder: Path | str,
        *,
        metadata: dict[str, Any],
        count: int | None = None,
        resume: bool = False,
        resumable_fields: tuple[str, ...] = (),
        frozen: tuple[str, ...] = (),
    ) -> None:
        self.module, self.config, self.folder = module, config, Path(folder)
        self.context = init_distributed()
        self.step, self.seconds, self.stopped = 0, 0.0, False
        self._share = share_of(config.batch, self.context.world_size * config.accumulate)
        self.sampler = (
            None if count is None else EpochSampler(count, config.batch, config.seed, drop_last=config.drop_last)
        )
        asked = {"trainer": asdict(config), "items": count, **metadata}
        with self._held():
            found = self._open_folder(asked, resume, RESUMABLE_FIELDS + resumable_fields)
        self.phases = build_phases(module, config)
        self._frozen = frozenset(frozen_names(module, frozen))
        self._frozen_digest = digest_of({n: t for n, t in module.state_dict().items() if n in self._frozen})
        self._shown: dict[str, float] = {}
        self._log = RunLog(self.folder)
        self._device = next(iter(self.phases[0].parameters.values())).device
        if found is not None:
            self._restore(found)
        # with one phase and one micro-batch, DDP averages gradients during backward; else they are averaged before a step
        self._wrapped = self.context.world_size > 1 and len(self.phases) == 1 and config.accumulate == 1
        if not self._wrapped:
            self.context.broadcast(module)
        self.net = self.context.wrap(module) if self._wrapped else module  # passed to `losses_of`
        self._average = None if config.ema_decay is None else WeightEma(self._averaged_state(), config.ema_decay)
        if found is not None and self._average is not None:
            self._average.restore(_part(found.tensors, "average."))
        self._saved_step = -1 if found is None else self.step
        if self.context.is_main:
            with self._held():
                write_config(self.folder, asked)
                self._log.cut(self.step if found is not None else -1)

    def run(
        self,
        losses_of: Callable[[nn.Module, Step], Losses],
        validate: Callable[[nn.Module], dict[str, float]] | None = None,
        *,
        until: float = math.inf,
        log_fn: Callable[[str], None] | None = None,
    ) -> TrainResult:
        """Train until the steps or minutes are used up, or until SIGTERM or SIGINT.

        After a signal (to any of the processes) the current step is finished, a checkpoint is saved, and
        a message explains how to resume; a second signal ends the process at once. May be called
        several times, for parts of a run.

        With W processes each gets 1 / W of the batch and the gradients are averaged: if every
        loss is a mean over samples, the run matches that of one process up to rounding. Draws from
        `Step.rng` and dropout differ between processes by design.

        Args:
            losses_of: Function from the network (wrapped if there are several processes: call it, do not
                access its attributes) and the step to the losses of a batch; `total` is minimized, all are
                logged, averaged over the processes; with several phases as ``phase/name``.
            validate: Function from the averaged network in evaluation mode to its measures; called in the
                first process only.
            until: Steps or minutes, whichever the run is measured in, after which to return early.
            log_fn: Receiver of log lines, in place of a progress bar or standard output.

        Raises:
            ResourceError: `loss_not_finite` when the loss or the gradient is NaN or infinite;
                the step is not taken and the last checkpoint is kept. `write_failed`. `folder_in_use`.
        """
        self.stopped = False
        unit = "steps" if self.config.steps is not None else "minutes"
        show = TrainingProgress(self.config.length, unit, log=log_fn, silent=not self.context.is_main)
        with self._held(), watched() as stop, show:
            before = saved = time.monotonic()
            self.module.train()
            while self.done < min(until, self.config.length) and not self.stopped:
                factor = self._begin()
                numbers: dict[str, float] = {}
                for phase in self.phases:
                    prefix = f"{phase.name}/" if len(self.phases) > 1 else ""
                    lr = phase.begin(factor)
                    for repeat in range(phase.config.repeats):
                        means = self._accumulated(losses_of, phase, repeat)
                        norm = self._descend(phase, means["total"])
                    numbers |= {f"{prefix}rate": lr, f"{prefix}gradient": norm}
                    for name, value in means.items():
                        key = prefix + name
                        self._shown[key] = 0.98 * self._shown.get(key, value) + 0.02 * value
                if self._average is not None:
                    self._average.update(self.module.state_dict(), self.step)
                self.step += 1
                now = time.monotonic()
                self._agree(stop, now - before)
                before = now
                show.advance(self.done, means["total"])
                if self.context.is_main:
                    self._write_log(numbers, validate, show)
                    if self._save_due(now - saved):
                        self.save()
                        saved = now
            if self.context.is_main and self._saved_step != self.step:
                self.save()
            self.context.wait()
            self.stopped &= self.done < self.config.length  # a signal after the last step has no effect
            if self.stopped:
                show.line(
                    f"stopped after step {self.step}, saved in {self.folder}; "
                    "run the same command with --resume to continue"
                )
        return self.result()

    def result(self) -> TrainResult:
        """Return the totals of the run so far."""
        samples = self.step * self.config.batch
        return TrainResult(self.step, samples, self.seconds / 60, dict(self._shown), self.stopped)

    @property
    def done(self) -> float:
        """Steps or minutes done, whichever the run is measured in."""
        return float(self.step) if self.config.steps is not None else self.seconds / 60

    def averaged_module(self) -> nn.Module:
        """Copy the module in evaluation mode, with averaged weights (the latest ones for parts that are not averaged)."""
        twin = copy.deepcopy(self.module)
        self.copy_average(twin)
        return twin.eval()

    def copy_average(self, twin: nn.Module) -> None:
        """Copy the averaged weights into a network of the same kind; the latest where none are averaged."""
        averaged = {} if self._average is None else self._average.tensors
        twin.load_state_dict(self.module.state_dict() | averaged)

    def save(self) -> None:
        """Write a checkpoint of the current step.

        Raises:
            ResourceError: `write_failed`; the last checkpoint is kept.
        """
        parts = {
            "model": self._learned_state(),
            "optimizer": {k: v for phase in self.phases for k, v in phase.state().items()},
            "average": {} if self._average is None else self._average.tensors,
        }
        tensors = {f"{part}.{k}": v for part, state in parts.items() for k, v in state.items()}
        metadata = {"step": self.step, "seconds": self.seconds, "shown": self._shown}
        if self._frozen:
            metadata["frozen_sha256"] = self._frozen_digest
        self._log.flush()
        save_checkpoint(self.folder, tensors, metadata)
        self._saved_step = self.step

    def _held(self) -> "contextlib.AbstractContextManager[object]":
        """Hold the folder against other runs, as part of the command's own lock where it has one."""
        return FolderLock(self.folder, nested=True) if self.context.is_main else contextlib.nullcontext()

    def _open_folder(self, asked: dict[str, Any], resume: bool, resumable_fields: tuple[str, ...]) -> Checkpoint | None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if resume:
            check_config(self.folder, asked, resumable_fields)
        elif (self.folder / NEWEST).exists() or (self.folder / PREVIOUS).exists():
            what = "the folder already contains a run"
            fix = "continue it with --resume, or choose another folder"
            raise UsageError("run_exists", what, str(self.folder), fix)
        if self.context.is_main:
            clear_leftovers(self.folder)
        return load_checkpoint(self.folder) if resume else None

    def _learned_state(self) -> dict[str, Tensor]:
        """Return the state of the module without its frozen part."""
        return {n: t for n, t in self.module.state_dict().items() if n not in self._frozen}

    def _averaged_state(self) -> dict[str, Tensor]:
        return {n: t for n, t in self._learned_state().items() if matches(n, self.config.ema_parts)}

    def _restore(self, found: Checkpoint) -> None:
        where = repr(str(found.path))
        before = found.metadata.get("frozen_sha256", digest_of({}))
        if before != self._frozen_digest:
            what = f"the frozen part has SHA-256 {self._frozen_digest[:12]}, the run was started with {before[:12]}"
            raise WeightsError("frozen_changed", what, where, "load the weights that the run was started with")
        model = _part(found.tensors, "model.")
        check_state(self.module, model, where, wanted=self._learned_state())
        if self.config.ema_decay is not None:
            average = _part(found.tensors, "average.")
            check_state(self.module, average, where, wanted=self._averaged_state())
        self.module.load_state_dict(model, strict=False)
        state = _part(found.tensors, "optimizer.")
        for phase in self.phases:
            phase.restore(state, where)
        self.step, self.seconds = found.metadata["step"], found.metadata["seconds"]
        self._shown = found.metadata["shown"]

    def _begin(self) -> float:
        """Seed the next step, and return its factor on the learning rates."""
        key = (self.step, self.context.rank, 1)
        words = np.random.SeedSequence(self.config.seed, spawn_key=key).generate_state(2)
        torch.manual_seed(int(words[0]) << 32 | int(words[1]))
        return lr_factor(self.config.schedule, self.step, self.done / self.config.length)

    def _accumulated(
        self, losses_of: Callable[[nn.Module, Step], Losses], phase: Phase, repeat: int
    ) -> dict[str, float]:
        """Accumulate the gradients of a batch, and return the mean of each loss over micro-batches and processes."""
        pieces = self.config.accumulate
        sums: dict[str, float] = {}
        phase.optimizer.zero_grad(set_to_none=True)
        with phase.learning(self.module):
            for piece in range(pieces):
                with torch.autocast(self._device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16"):
                    losses = losses_of(self.net, self._request(phase, repeat, piece))
                for name, value in self._means(losses).items():
                    sums[name] = sums.get(name, 0.0) + value / pieces
                (losses["total"] / pieces).backward()  # type: ignore[no-untyped-call]
        return sums

    def _means(self, losses: Losses) -> dict[str, float]:
        """Average each loss over the processes before any backward pass, so that all of them stop if one is not finite."""
        wrong = [k for k, v in losses.items() if not (isinstance(v, Tensor) and v.numel() == 1)]
        if wrong or "total" not in losses:
            what = f"the loss {wrong[0]} is no scalar tensor" if wrong else "there is no loss `total`"
            raise UsageError("losses_invalid", what, "losses_of", "return scalar tensors by name, `total` among them")
        values = torch.stack([v.detach().double() for v in losses.values()]).tolist()
        totals = self.context.total(values, self._device)
        means = {name: value / self.context.world_size for name, value in zip(losses, totals, strict=True)}
        if not math.isfinite(means["total"]):
            bad = [k for k, v in means.items() if not math.isfinite(v) and k != "total"]
            because = f" because of {', '.join(bad)}" if bad else ""
            raise self._not_finite(f"the loss is {means['total']}{because}")
        return means

    def _request(self, phase: Phase, repeat: int, piece: int) -> Step:
        """Return the request for one micro-batch: a function of the seed, step, rank, phase, repeat and piece."""
        rank, pieces = self.context.rank, self.config.accumulate
        repeats = [p.config.repeats for p in self.phases]
        number = self.phases.index(phase)
        draws = sum(repeats)
        draw = sum(repeats[:number]) + repeat
        key = (self.step, rank, 2) if (draw, piece) == (0, 0) else (self.step, rank, 2, draw, piece)
        rng = np.random.default_rng(np.random.SeedSequence(self.config.seed, spawn_key=key))
        indices = None
        if self.sampler is not None:
            shares = self.context.world_size * pieces
            indices = self.sampler.indices(self.step * draws + draw, rank * pieces + piece, shares)
        return Step(self.step, self._share, indices, rng, phase.name, repeat)

    def _agree(self, stop: StopSignal, seconds: float) -> None:
        """Synchronize the processes: the clock of the first, and a stop signal to any of them."""
        mine = [float(stop.asked), seconds if self.context.is_main else 0.0]
        asked, passed = self.context.total(mine, self._device)
        self.seconds += passed
        self.stopped = asked > 0

    def _descend(self, phase: Phase, total: float) -> float:
        """Take one optimizer step, unless the gradient is not finite, and return the gradient norm before clipping."""
        norm, bad = phase.descend(self.context, averaged=self._wrapped)
        if not math.isfinite(norm):
            shown = ", ".join(bad[:3]) + (" and others" if len(bad) > 3 else "")
            raise self._not_finite(f"the gradient of the loss {total:.6g} has norm {norm} ({shown})")
        return norm

    def _not_finite(self, what: str) -> ResourceError:
        kept = f"the checkpoint of step {self._saved_step} is kept" if self._saved_step >= 0 else ""
        fix = "lower the learning rate" + (f"; {kept}" if kept else "")
        return ResourceError("loss_not_finite", f"{what} at step {self.step}", str(self.folder), fix)

    def _write_log(
        self,
        numbers: dict[str, float],
        validate: Callable[[nn.Module], dict[str, float]] | None,
        show: TrainingProgress,
    ) -> None:
        last = self.done >= self.config.length
        checked = validate is not None and (last or self.step % self.config.validate_every == 0)
        if not (last or checked or self.step % self.config.log_every == 0):
            return
        line: dict[str, Any] = {"step": self.step, "minutes": round(self.seconds / 60, 2)}
        numbers = numbers | self._shown
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
