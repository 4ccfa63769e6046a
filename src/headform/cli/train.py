"""`headform train`: the networks, one stage after the other, from made people alone.

No arrays here, hence no letters.
"""

import dataclasses
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import arg, subcommand

from headform import errors


@dataclass(frozen=True)
class _Stage:
    """What every stage asks."""

    minutes: float | None = None
    """Minutes of training, of all resumed parts together; the preset's own if not given."""
    workers: int = 1
    """Processes that make people while the network learns."""
    first_people: int | None = None
    """People made before the first step; the preset's own if not given."""
    seed: int = 0
    """Of the weights and of the people."""
    resume: bool = False
    """Go on from the checkpoint in the output folder."""

    def check(self) -> None:
        if self.minutes is not None and not self.minutes > 0:
            what = f"--minutes is {self.minutes}"
            raise errors.UsageError("minutes_invalid", what, "", "ask for more than 0")
        if self.workers < 1:
            what = f"--workers is {self.workers}"
            raise errors.UsageError("workers_invalid", what, "", "ask for 1 or more")
        if self.seed < 0:
            what = f"--seed is {self.seed}"
            raise errors.UsageError("seed_invalid", what, "", "ask for 0 or more")

    def finish(
        self, run: Callable[..., tuple[Any, Any, dict[str, Any]]], config: Any, out: Path, name: str
    ) -> int:
        """Train with the cores that the makers leave, then write the weights."""
        import torch

        from headform.train.publish import publish

        if self.minutes is not None:
            trainer = dataclasses.replace(config.trainer, minutes=self.minutes)
            config = dataclasses.replace(config, trainer=trainer)
        if self.first_people is not None:
            config = dataclasses.replace(config, first_people=self.first_people)
        torch.set_num_threads(max(1, (os.cpu_count() or 1) - self.workers))
        net, _, facts = run(config, out, resume=self.resume)
        path = out / name
        publish(net, facts, path, command=shlex.join(["headform", *sys.argv[1:]]))
        print(f"{path}: {facts['samples_seen']} pictures seen in {facts['minutes']} minutes")
        return errors.SUCCESS


@dataclass(frozen=True)
class Landmarks(_Stage):
    """Dense landmarks with a variance each, expression, pose, gaze and skin, on the loose crop."""

    out: Annotated[Path, arg(aliases=("-o",))] = Path("runs/landmarks")
    """Folder of the run: config.json, log.jsonl, checkpoint and dense_landmarks.safetensors."""
    preset: Literal["first"] = "first"
    """Sizes and recipe."""

    def run(self) -> int:
        """Train and publish."""
        self.check()
        from headform.train.landmarks import LandmarkConfig, run

        config = LandmarkConfig(seed=self.seed)
        pool = dataclasses.replace(config.pool, workers=self.workers, seed=self.seed)
        config = dataclasses.replace(config, pool=pool)
        return self.finish(run, config, self.out, "dense_landmarks.safetensors")


@dataclass(frozen=True)
class Shape(_Stage):
    """Identity on the tight crop, in vertex space, from easy people to all of them."""

    out: Annotated[Path, arg(aliases=("-o",))] = Path("runs/shape")
    """Folder of the run: config.json, log.jsonl, checkpoint and identity.safetensors."""
    preset: Literal["first"] = "first"
    """Sizes and recipe."""

    def run(self) -> int:
        """Train and publish."""
        self.check()
        from headform.train.shape import IdentityConfig, run

        config = IdentityConfig(seed=self.seed, workers=self.workers)
        return self.finish(run, config, self.out, "identity.safetensors")


Train = Annotated[
    Annotated[Landmarks, subcommand("landmarks")] | Annotated[Shape, subcommand("shape")],
    subcommand("train", description="Train the networks on made people."),
]
