"""`headform train`: train the networks on synthetic faces and sampled heads."""

import dataclasses
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg, subcommand

from headform.cli.train_coefficients import Coefficients
from headform.cli.train_identity import Identity
from headform.cli.train_mesh_autoencoder import MeshAutoencoder
from headform.cli.train_texture import Texture
from headform.cli.training import OnSyntheticFaces, require_positive
from headform.errors import UsageError


@dataclass(frozen=True)
class Landmarks(OnSyntheticFaces):
    """Train the dense landmark network (points, each with a variance, expression, pose, gaze, skin), or the student."""

    out: Annotated[Path, arg(aliases=("-o",))] = Path("runs/landmarks")
    """Run folder: config.json, log.jsonl, checkpoint and the weights, dense_landmarks.safetensors or
    student_landmarks.safetensors."""
    preset: Literal["dense", "open", "synthetic-only"] = "dense"
    """dense: the network of the shipped weights, on synthetic faces. open, synthetic-only: the student, which has the
    annotators' 68 points, lid and lip openings and visibility besides; on synthetic faces and prepared portraits, or on
    synthetic faces alone."""
    portraits: Path | None = None
    """Folder of `headform data portraits`, for --preset open."""
    fold: int | None = None
    """Fold of annotated people, 0 to 3, who do not teach, for --preset open: they validate, and may judge."""
    steps: int | None = None
    """Steps of a student's training, in place of --minutes; by default those of the preset."""
    batch: int | None = None
    """Pictures of a step of a student's training; by default those of the preset."""
    bf16: bool = False
    """Compute a student's convolutions in bfloat16: faster where the processor has it."""
    zoom: bool = True
    """A student's second pass on eyes and mouth; without it the first pass sees the full crop."""
    landmarks68: Literal["heatmap", "regression"] = "heatmap"
    """A student's annotators' points: means of heat maps, or regressed."""

    def run(self) -> int:
        """Train, and write the weights."""
        self.check()
        if self.preset != "dense":
            return self._run_student(self.preset)
        self._refuse_student_options()
        from headform.train.landmarks import LandmarkConfig, run

        config = LandmarkConfig(seed=self.seed)
        pool = dataclasses.replace(config.pool, workers=self.workers, seed=self.seed)
        config = dataclasses.replace(config, pool=pool)
        return self.train(run, config, self.out, "dense_landmarks.safetensors")

    def _run_student(self, preset: Literal["open", "synthetic-only"]) -> int:
        require_positive(steps=self.steps, batch=self.batch)
        if self.steps is not None and self.minutes is not None:
            what = "--steps and --minutes are both given"
            raise UsageError("option_unused", what, "", "give the length of the run in one of them")
        from headform.nets.landmarks.student_net import StudentNetConfig
        from headform.train.student import portraits_of, run
        from headform.train.student_config import student_preset

        net = StudentNetConfig(landmarks68=self.landmarks68)
        if not self.zoom:
            net = dataclasses.replace(net, zoom=False, first_side=net.side)
        config = student_preset(preset, seed=self.seed, workers=self.workers, net=net, fold=self.fold)
        trainer = config.trainer
        if self.steps is not None:
            trainer = dataclasses.replace(trainer, steps=self.steps)
        if self.minutes is not None:
            trainer = dataclasses.replace(trainer, steps=None, minutes=self.minutes)
        if self.batch is not None:
            trainer = dataclasses.replace(trainer, batch=self.batch)
        trainer = dataclasses.replace(trainer, precision="bfloat16" if self.bf16 else "float32")
        config = dataclasses.replace(config, trainer=trainer)
        portraits_of(config, self.portraits)  # refuse what is missing before a folder is made
        name = "student_landmarks.safetensors"
        options = dataclasses.replace(self, minutes=None)  # already part of the configuration
        return OnSyntheticFaces.train(options, partial(run, portraits=self.portraits), config, self.out, name)

    def _refuse_student_options(self) -> None:
        """Reject options that only a student has.

        Raises:
            UsageError: `option_unused`.
        """
        names = ("portraits", "fold", "steps", "batch", "bf16", "zoom", "landmarks68")
        defaults = {each.name: each.default for each in dataclasses.fields(Landmarks)}
        given = [name for name in names if getattr(self, name) != defaults[name]]
        if given:
            what = f"--{given[0]} only applies to a student"
            raise UsageError("option_unused", what, "--preset dense", "use --preset open or synthetic-only")


@dataclass(frozen=True)
class Parsing(OnSyntheticFaces):
    """Train the network that parses faces: skin, brows, eyes, lips, hair, glasses, hat, neck, clothes, occluders."""

    out: Annotated[Path, arg(aliases=("-o",))] = Path("runs/parsing")
    """Run folder: config.json, log.jsonl, checkpoint and parsing.safetensors."""
    preset: Literal["open", "synthetic-only"] = "open"
    """`open`: synthetic faces, annotated portraits, and portraits without annotations by consistency."""
    photos: Path | None = None
    """Folder that holds the portraits: `london`, `canada` and `congress`; for `open`."""
    folds: int = 0
    """Parts into which the annotated people are divided; 0 trains on all of them."""
    fold: int = 0
    """Part that is held out, from 0."""
    start: Path | None = None
    """Weights to start from, in place of random ones."""
    rate: float | None = None
    """Highest learning rate; by default that of the preset."""
    steps: int | None = None
    """Steps of training, in place of --minutes: on a machine that does other work, too, minutes say little."""

    def run(self) -> int:
        """Train, and write the weights."""
        self.check()
        require_positive(rate=self.rate, steps=self.steps)
        if self.steps is not None and self.minutes is not None:
            what = "--steps and --minutes are both given"
            raise UsageError("length_twice", what, "", "give one of the two")
        if self.preset == "open" and self.photos is None:
            what = "the preset open learns from portraits"
            fix = "give their folder with --photos, or take --preset synthetic-only"
            raise UsageError("photos_missing", what, "", fix)
        from headform.train.parsing import ParsingConfig, run

        start = "" if self.start is None else str(self.start)
        config = ParsingConfig(preset=self.preset, folds=self.folds, fold=self.fold, start=start, seed=self.seed)
        pool = dataclasses.replace(config.pool, workers=self.workers, seed=self.seed)
        config = dataclasses.replace(config, pool=pool)
        if self.rate is not None:
            optimizer = dataclasses.replace(config.trainer.optimizer, lr=self.rate)
            config = dataclasses.replace(config, trainer=dataclasses.replace(config.trainer, optimizer=optimizer))
        if self.steps is not None:
            config = dataclasses.replace(
                config, trainer=dataclasses.replace(config.trainer, minutes=None, steps=self.steps)
            )
        return self.train(partial(run, photos=self.photos), config, self.out, "parsing.safetensors")


Train = Annotated[
    Annotated[Landmarks, subcommand("landmarks")]
    | Annotated[Identity, subcommand("identity")]
    | Annotated[Coefficients, subcommand("coefficients")]
    | Annotated[Texture, subcommand("texture")]
    | Annotated[Parsing, subcommand("parsing")]
    | Annotated[MeshAutoencoder, subcommand("mesh-autoencoder")],
    subcommand("train", description="Train the networks on synthetic faces or meshes."),
]
