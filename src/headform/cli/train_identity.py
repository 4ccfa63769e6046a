"""`headform train identity`: train a recognition network on photos of people."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from headform.cli.training import Training, finish, require_positive, run_folder
from headform.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from headform.train.recognition import RecognitionConfig

Network = Literal["mobilefacenet", "iresnet18", "iresnet34", "iresnet50", "iresnet100"]


@dataclass(frozen=True)
class Identity(Training):
    """Train a recognition network, with sub-center ArcFace, on photos that say who is seen."""

    out: Annotated[Path, arg(aliases=("-o",))] = Path("runs/identity")
    """Run folder: config.json, log.jsonl, checkpoint and recognition.safetensors."""
    data: tuple[Path, ...] = ()
    """Folders of shards: of `headform data synthetic`, or of `headform data prepare folder` for photos with
    a folder for each person."""
    network: Network = "mobilefacenet"
    """Architecture."""
    start: Path | None = None
    """Weights to begin with; by default those of MobileFaceNet that ship, and random ones for IResNet."""
    start_part: str | None = None
    """Key of the state dict within the checkpoint of --start, such as `arcface` in MICA's."""
    from_scratch: bool = False
    """Begin MobileFaceNet with random weights."""
    sub_centers: int = 3
    """Centers of a person; 1 is plain ArcFace, and enough where each person has few photos."""
    held_out: int | None = None
    """People held out for validation; by default 100."""
    steps: int | None = None
    """Steps of training, resumed parts included; by default 20,000."""
    minutes: float | None = None
    """Minutes of training, in place of --steps."""
    batch: int | None = None
    """Photos of a step."""
    lr: float | None = None
    """Highest learning rate."""
    bf16: bool = False
    """Compute in bfloat16: faster where the processor has it."""

    def run(self) -> int:
        """Train, and write the weights."""
        self.check()
        require_positive(
            sub_centers=self.sub_centers,
            held_out=self.held_out,
            steps=self.steps,
            minutes=self.minutes,
            batch=self.batch,
            lr=self.lr,
        )
        if self.steps is not None and self.minutes is not None:
            what = "--steps and --minutes are both given"
            raise UsageError("option_unused", what, "", "give the length of the run in one of them")
        if self.start is not None and self.from_scratch:
            what = "--start and --from-scratch are both given"
            raise UsageError("option_unused", what, "", "give one of the two")
        if not self.data:
            fix = "make some with `headform data synthetic -o DIR` or `headform data prepare folder`"
            raise UsageError("data_missing", "--data is not given", "", fix)
        from headform.data.shards import ShardSet
        from headform.train.recognition import run

        samples, start = ShardSet.open(*self.data), self._start()
        config = self._config(trained=start is not None)
        with run_folder(self.out):
            net, result, facts = run(config, self.out, samples=samples, start=start, resume=self.resume)
            return finish(net, result, facts, self.out / "recognition.safetensors")

    def _config(self, *, trained: bool) -> "RecognitionConfig":
        from headform.train.recognition import RecognitionConfig, fine_tuned

        config = RecognitionConfig(network=self.network, sub_centers=self.sub_centers, seed=self.seed)
        trainer = dataclasses.replace(config.trainer, seed=self.seed)
        if self.steps is not None:
            trainer = dataclasses.replace(trainer, steps=self.steps)
        if self.minutes is not None:
            trainer = dataclasses.replace(trainer, steps=None, minutes=self.minutes)
        if self.batch is not None:
            trainer = dataclasses.replace(trainer, batch=self.batch)
        if self.lr is not None:
            trainer = dataclasses.replace(trainer, optimizer=dataclasses.replace(trainer.optimizer, lr=self.lr))
        if self.bf16:
            trainer = dataclasses.replace(trainer, precision="bfloat16")
        held_out = config.held_out if self.held_out is None else self.held_out
        config = dataclasses.replace(config, trainer=trainer, held_out=held_out)
        return fine_tuned(config) if trained else config

    def _start(self) -> "nn.Module | None":
        from headform.nets.recognition.registry import load_recognition
        from headform.nets.shipped import load_mobilefacenet

        if self.start is not None:
            return load_recognition(self.start, part=self.start_part)[1]
        if self.network == "mobilefacenet" and not self.from_scratch:
            return load_mobilefacenet()[0]
        return None
