"""Export of a trained network to a weights file that headform loads, with a card that documents its training."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import headform
from headform.io.model_file import save_model
from headform.nets.face_encoder import FaceEncoder
from headform.nets.landmarks.dense_net import DenseNet
from headform.nets.landmarks.student_net import StudentNet
from headform.nets.mesh_autoencoder_file import model_tensors
from headform.nets.mesh_autoencoder_net import MeshAutoencoder
from headform.nets.parsing_net import ParsingNet
from headform.nets.recognition.iresnet_net import IResNet
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet
from headform.nets.shipped import NETWORKS
from headform.nets.texture_net import TextureNet
from headform.train.baseline import baseline_warning


def export_weights(
    net: (DenseNet | StudentNet | FaceEncoder | MeshAutoencoder | ParsingNet | MobileFaceNet | IResNet | TextureNet),
    facts: Mapping[str, Any],
    path: Path,
    *,
    command: str,
) -> None:
    """Write the weights and, next to them, the card.

    Args:
        net: Trained network; its configuration is stored in the card, so that it can be rebuilt.
        facts: Metadata returned by the training run: stage, config, head, steps, samples, minutes and,
            where it measured them, validation numbers; `data` and `license` where these are not
            synthetic faces and MIT.
        path: File to write, ending in `.safetensors`.
        command: Command line of the training.

    Raises:
        WeightsError: `weights_nan` when training diverged.
        ResourceError: `write_failed`.
    """
    config = dict(facts["config"]) | {"net": net.config.as_dict()}
    rest = {k: v for k, v in facts.items() if k not in ("config", "validation", "minutes")}
    card = {
        "kind": NETWORKS[type(net)].kind,
        "name": f"headform {NETWORKS[type(net)].kind}",
        "source": "this project",
        "data": "synthetic faces only (headform.synth); no photo of anyone",
        "license": "MIT",
        "command": command,
        "commit": source_commit(),
        "images_seen": facts.get("samples_seen", 0),
        "minutes": facts["minutes"],
        "seed": config["seed"],
        "metrics": facts.get("validation", {}),
        "config": config,
        **rest,
    }
    if warning := baseline_warning(card["metrics"]):
        card["warning"] = warning
    if isinstance(net, MeshAutoencoder | TextureNet):
        save_model(path, model_tensors(net), card, half=False)
    else:
        save_model(path, net.state_dict(), card)


def source_commit() -> str:
    """Return the commit of the checkout this code runs from, or the installed release.

    The suffix `+changes` means that tracked files differ from that commit.
    """
    folder = Path(headform.__file__).parent
    git = shutil.which("git")
    release = f"release {headform.__version__}"
    if git is None:
        return release

    def ask(*words: str) -> str | None:
        done = subprocess.run(  # noqa: S603 - fixed words
            [git, "-C", str(folder), *words], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else None

    if ask("ls-files", "--error-unmatch", "__init__.py") is None:
        return release  # installed inside another project's checkout
    changed = ask("status", "--porcelain", "--untracked-files=no", ".")
    return f"{ask('rev-parse', 'HEAD')}{'+changes' if changed else ''}"
