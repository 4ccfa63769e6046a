"""Common options and closing steps of the subcommands of `headform train`."""

import dataclasses
import os
import shlex
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headform import errors


@dataclass(frozen=True)
class Training:
    """Options of every stage."""

    seed: int = 0
    """Random seed of the weights and of the data."""
    resume: bool = False
    """Resume from the checkpoint in the output folder."""

    def check(self) -> None:
        """Reject impossible options before any work is done."""
        if self.seed < 0:
            what = f"--seed is {self.seed}"
            raise errors.UsageError("seed_invalid", what, "", "use 0 or more")


def require_positive(**options: float | int | None) -> None:
    """Reject options that are given and not a number above 0.

    Raises:
        UsageError: `<option>_invalid`.
    """
    for name, value in options.items():
        if value is not None and not value > 0:
            what = f"--{name.replace('_', '-')} is {value}"
            raise errors.UsageError(f"{name}_invalid", what, "", "use a number above 0")


def run_folder(out: Path) -> AbstractContextManager[object]:
    """Hold the folder of a run against other processes, from before the first step until the weights are written.

    Raises:
        ResourceError: On entry: `folder_in_use`, `write_failed`.
    """
    from headform.io.folder_lock import FolderLock
    from headform.train.distributed import init_distributed

    return FolderLock(out) if init_distributed().is_main else nullcontext()


def finish(net: Any, result: Any, facts: dict[str, Any], path: Path) -> int:
    """Write the weights with their model card; return the exit code, which tells an interrupted run.

    Args:
        net: The trained network.
        result: Outcome of the trainer.
        facts: Entries of the model card.
        path: File of the weights.
    """
    from headform.train.baseline import baseline_warning
    from headform.train.distributed import init_distributed
    from headform.train.export_weights import export_weights

    if init_distributed().is_main:
        export_weights(net, facts, path, command=shlex.join(["headform", *sys.argv[1:]]))
        seen = facts.get("samples_seen", facts.get("meshes_seen"))
        what = "pictures" if "samples_seen" in facts else "meshes"
        print(f"{path}: {seen} {what} seen in {facts['minutes']} minutes")
        if warning := baseline_warning(facts.get("validation", {})):
            print(f"warning: {path} is {warning}", file=sys.stderr)
    return errors.INTERRUPTED if result.stopped else errors.SUCCESS


@dataclass(frozen=True)
class OnSyntheticFaces(Training):
    """Options of the stages that learn from pictures of synthetic faces."""

    minutes: float | None = None
    """Minutes of training, resumed parts included; by default those of the preset."""
    workers: int = 1
    """Processes that render faces while the network learns."""
    first_faces: int | None = None
    """Faces rendered before the first step; by default those of the preset."""

    def check(self) -> None:
        """Reject impossible options before any work is done."""
        super().check()
        require_positive(minutes=self.minutes, workers=self.workers, first_faces=self.first_faces)

    def train(self, run: Callable[..., tuple[Any, Any, dict[str, Any]]], config: Any, out: Path, name: str) -> int:
        """Train with the cores that the rendering processes leave, then write the weights."""
        import torch

        if self.minutes is not None:
            trainer = dataclasses.replace(config.trainer, minutes=self.minutes)
            config = dataclasses.replace(config, trainer=trainer)
        if self.first_faces is not None:
            config = dataclasses.replace(config, first_faces=self.first_faces)
        torch.set_num_threads(max(1, (os.cpu_count() or 1) - self.workers))
        with run_folder(out):
            net, result, facts = run(config, out, resume=self.resume)
            return finish(net, result, facts, out / name)
