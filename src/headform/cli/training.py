"""What the subcommands of `headform train` share: their common options, and what follows a run."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headform import errors


@dataclass(frozen=True)
class Training:
    """What every stage asks."""

    seed: int = 0
    """Of the weights and of the data."""
    resume: bool = False
    """Go on from the checkpoint in the output folder."""

    def check(self) -> None:
        """Refuse what cannot be before anything is made."""
        if self.seed < 0:
            what = f"--seed is {self.seed}"
            raise errors.UsageError("seed_invalid", what, "", "ask for 0 or more")


def require_positive(**options: float | int | None) -> None:
    """Refuse options that are given and not above 0 (or no number).

    Raises:
        UsageError: `<option>_invalid`.
    """
    for name, value in options.items():
        if value is not None and not value > 0:
            what = f"--{name.replace('_', '-')} is {value}"
            raise errors.UsageError(f"{name}_invalid", what, "", "ask for more than 0")


def finish(net: Any, result: Any, facts: dict[str, Any], path: Path) -> int:
    """Write the weights with their card; the exit code says whether the run came to its end.

    Args:
        net: The trained network.
        result: What the trainer did.
        facts: For the card.
        path: Of the weights.
    """
    from headform.train.distributed import init_distributed
    from headform.train.export_weights import export_weights

    if init_distributed().is_main:
        export_weights(net, facts, path, command=shlex.join(["headform", *sys.argv[1:]]))
        seen = facts.get("samples_seen", facts.get("meshes_seen"))
        what = "pictures" if "samples_seen" in facts else "meshes"
        print(f"{path}: {seen} {what} seen in {facts['minutes']} minutes")
    return errors.INTERRUPTED if result.stopped else errors.SUCCESS
