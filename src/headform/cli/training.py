"""Common options and closing steps of the subcommands of `headform train`."""

import shlex
import sys
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
