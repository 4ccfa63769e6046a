"""`headform train texture`: train the texture networks on photos with their coarse stage, or on one photo."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from headform.cli.training import Training, finish, require_positive, run_folder
from headform.errors import FaceError, UsageError

if TYPE_CHECKING:
    from headform.data.shards import ShardSet
    from headform.heads.linear import LinearHead
    from headform.nets.face_embedding import FaceEmbedder
    from headform.train.texture_config import TextureConfig

_SIDE = 224
"""Side of the sample that is cut out of a single photo, pixels."""


@dataclass(frozen=True)
class Texture(Training):
    """Train the texture networks: a finer color at each vertex, from photos, a recognition network and a critic."""

    photo: Positional[Path | None] = None
    """Photo that --preset overfit learns by heart."""
    data: tuple[Path, ...] = ()
    """Folders of shards of `headform data coarse`: photos, synthetic people, or both."""
    head: str = "open"
    """Head model of the shards: the open one, or the file that `headform data coarse` was given."""
    out: Annotated[Path, arg(aliases=("-o",))] = Path("runs/texture")
    """Run folder: config.json, log.jsonl, pictures, checkpoint and texture.safetensors."""
    preset: Literal["open", "albedo", "paper", "released-code", "overfit"] = "open"
    """open: the paper's method with what ships. albedo: the true albedo of synthetic people alone (data synthetic --albedo),
    without light, shadow and shine. paper: the published setting; needs FaceNet's file. released-code: what the
    published code trains by default; needs the regressor of Deng et al. besides. overfit: one photo, in a minute."""
    recognizer: Path | None = None
    """Weights of the recognition network of embedding and identity loss: FaceNet for paper and released-code; by default the
    one that ships."""
    regressor: Path | None = None
    """Checkpoint of the regressor of Deng et al. (epoch_20.pth), half of the embedding of released-code."""
    form: Literal["residual", "normal"] | None = None
    """Form of the networks, as in the paper or as in the published code; by default that of the preset."""
    channels: Literal[3, 7] | None = None
    """Channels of the refiner: the coarse texture, or with the photo's colors and their visibility."""
    base: Literal["none", "coarse", "photo"] | None = None
    """What the networks' answer is added to: nothing, as published; the coarse texture; or the photo's colors where seen."""
    objective: Literal["paper", "released"] | None = None
    """Losses of the paper, or of the published code."""
    critic_steps: int | None = None
    """Steps of the critic in each step; 0 for none."""
    critic_norm: Literal["none", "batch"] | None = None
    """Normalization of the critic."""
    no_identity: bool = False
    """Leave the identity loss out."""
    no_vertices: bool = False
    """Leave the vertex terms out: pixels count from the first step on."""
    symmetry: float | None = None
    """Factor of the symmetry loss."""
    variance: float | None = None
    """Factor of the variance over the skin."""
    start: Path | None = None
    """Texture networks to begin with."""
    side: int | None = None
    """Side of the rendered pictures, pixels."""
    held_out: int | None = None
    """Subjects held out for validation; by default those of the preset."""
    steps: int | None = None
    """Steps of training, resumed parts included; by default those of the preset."""
    batch: int | None = None
    """Photos of a step."""
    lr: float | None = None
    """Highest learning rate of the texture networks."""
    clip: float | None = None
    """Norm to which a gradient is clipped; 0 for no clipping."""

    def run(self) -> int:
        """Train, and write the weights."""
        self.check()
        require_positive(steps=self.steps, batch=self.batch, lr=self.lr, held_out=self.held_out, side=self.side)
        if self.critic_steps is not None and self.critic_steps < 0:
            what = f"--critic-steps is {self.critic_steps}"
            raise UsageError("critic_steps_invalid", what, "", "use 0 or more")
        if self.side is not None and self.side % 32:
            raise UsageError("side_invalid", f"--side is {self.side}", "", "use a multiple of 32")
        if self.base == "photo" and self.channels == 3:
            what = "--base photo needs the photo's colors, which are not among 3 channels"
            raise UsageError("base_invalid", what, "", "use --channels 7, or --base coarse")
        single = self.preset == "overfit"
        if single != (self.photo is not None) or single == bool(self.data):
            what = "--preset overfit learns one photo, the other presets learn from --data"
            raise UsageError("data_missing", what, "", "give a photo, or folders of `headform data coarse`")
        if single and self.head != "open":
            what = "--preset overfit fits the open head"
            raise UsageError("option_unused", what, f"--head {self.head}", "leave --head out")
        if self.preset == "albedo" and self.objective == "released":
            what = "--preset albedo compares with the true albedo alone, which the published code's objective does not know"
            raise UsageError("objective_invalid", what, "", "leave --objective out, or use another preset")
        if self.preset in ("paper", "released-code") and self.recognizer is None:
            what = f"--preset {self.preset} needs FaceNet"
            raise UsageError(
                "network_missing", what, "", "give facenet-pytorch's file with --recognizer, or use --preset open"
            )
        if (self.preset == "released-code") != (self.regressor is not None):
            what = "--preset released-code embeds faces with the regressor of Deng et al., the other presets do not"
            code = "option_unused" if self.regressor is not None else "network_missing"
            raise UsageError(code, what, "", "give its checkpoint with --regressor for that preset alone")
        from headform import heads
        from headform.data.shards import ShardSet
        from headform.nets.shipped import load_texture
        from headform.train.texture import run

        head = heads.load(self.head)
        start = None if self.start is None else load_texture(self.start)[0]
        with run_folder(self.out):
            samples = self._photo(head) if self.photo is not None else ShardSet.open(*self.data)
            config = self._config(len(samples))
            embedder = self._embedder(config)
            config = dataclasses.replace(config, net=dataclasses.replace(config.net, embedding_size=embedder.size))
            net, result, facts = run(
                config, self.out, head=head, samples=samples, embedder=embedder, start=start, resume=self.resume
            )
            if "psnr_refined" in facts["validation"]:
                found = facts["validation"]
                print(f"masked PSNR {found['psnr_coarse']:.2f} dB coarse, {found['psnr_refined']:.2f} dB refined")
            return finish(net, result, facts, self.out / "texture.safetensors")

    def _photo(self, head: "LinearHead") -> "ShardSet":
        """Fit the head to the photo, and return it as a set of one sample, kept in the run folder."""
        from headform import images
        from headform.data.coarse_stage import photo_sample
        from headform.data.shards import ShardSet, ShardWriter
        from headform.pipeline.reconstructor import Reconstructor
        from headform.train.distributed import init_distributed

        if self.photo is None:
            raise TypeError("there is a photo")
        folder, context = self.out / "photo", init_distributed()
        if context.is_main and not (folder / "index.json").is_file():
            photo = images.read(self.photo)
            faces = Reconstructor.load(texture_size=0).reconstruct(photo)
            sample = photo_sample(faces[0], _SIDE, "photo")
            if sample.head != head.sha256:
                raise FaceError("head_unsupported", "the photo was fitted with another head", str(self.photo))
            with ShardWriter(folder, size=_SIDE, lossless=True) as writer:
                writer.add(sample)
        context.wait()
        return ShardSet.open(folder)

    def _config(self, photos: int) -> "TextureConfig":
        from headform.train.texture_config import from_preset, with_critic

        config = with_critic(from_preset(self.preset, photos, seed=self.seed, steps=self.steps), self.critic_steps)
        trainer = config.trainer
        if self.batch is not None:
            trainer = dataclasses.replace(trainer, batch=self.batch)
        if self.lr is not None:
            trainer = dataclasses.replace(trainer, optimizer=dataclasses.replace(trainer.optimizer, lr=self.lr))
        if self.clip is not None:
            trainer = dataclasses.replace(trainer, max_grad_norm=self.clip or None)
        weights = config.weights
        if self.no_identity:
            weights = dataclasses.replace(weights, identity=0.0)
        if self.no_vertices:
            weights = dataclasses.replace(weights, coarse=0.0, projected=0.0)
        for name in ("symmetry", "variance"):
            if getattr(self, name) is not None:
                weights = dataclasses.replace(weights, **{name: getattr(self, name)})
        channels = self.channels or config.net.channels
        net = dataclasses.replace(
            config.net,
            form=self.form or config.net.form,
            channels=channels,
            base=self.base or ("coarse" if channels == 3 and config.net.base == "photo" else config.net.base),
            unlit=config.net.unlit and channels != 3,
        )
        return dataclasses.replace(
            config,
            trainer=trainer,
            net=net,
            weights=weights,
            objective=self.objective or config.objective,
            critic_norm=self.critic_norm or config.critic_norm,
            ramp=1 if self.no_vertices else config.ramp,
            side=self.side or config.side,
            held_out=config.held_out if self.held_out is None else self.held_out,
        )

    def _embedder(self, config: "TextureConfig") -> "FaceEmbedder":
        from headform.nets.face_embedding import FaceEmbedder
        from headform.nets.recognition.registry import NETWORKS, load_recognition
        from headform.nets.shipped import load_mobilefacenet

        if self.recognizer is None:
            return FaceEmbedder(config.net.embedding, load_mobilefacenet()[0], NETWORKS["mobilefacenet"].crop)
        kind, net = load_recognition(self.recognizer)
        pooled = None
        if self.regressor is not None:
            from headform.nets.basel_alignment import PooledFeatures
            from headform.nets.basel_regressor_net import load_basel_regressor

            pooled = PooledFeatures(load_basel_regressor(self.regressor))
        return FaceEmbedder(config.net.embedding, net, NETWORKS[kind].crop, pooled)
