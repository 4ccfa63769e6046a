"""Make `synth/assets/skin_bank.safetensors`: albedo maps that are mixed across the people of open portraits.

    python -m tools.appearance.portrait_bank DATA -o WORK [--maps 64] [--seed N] [--embedder FILE]

DATA is the folder of test data; what is read from its portraits is kept in WORK (`portrait_skins`), which shows people and
never ships. Every map takes each region of the face from another person, so that it is nobody's.
"""

import argparse
import io
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from headform import heads
from headform.io.model_file import save_model
from headform.nets.recognition import load_embedder
from headform.synth.skin_bank import KIND, SIDE
from headform.train.export_weights import source_commit
from tools.appearance.portrait_atlas import AtlasFiller
from tools.appearance.portrait_chart import REGIONS, FaceChart
from tools.appearance.portrait_identity import compare
from tools.appearance.portrait_mixing import MixedSkin, SkinMixer
from tools.appearance.portrait_residuals import gather
from tools.appearance.portrait_skins import read_skins

ASSET = Path(__file__).parents[2] / "src" / "headform" / "synth" / "assets" / "skin_bank.safetensors"
QUALITY = 90
MELANIN_RANGE, BLOOD_RANGE = (0.2, 1.9), (0.2, 0.4)
BEARDED_RATE = 0.2
EVENNESS = 0.6
"""Part of the maps whose tones are spread evenly over melanin; the others are as frequent as among the portraits."""


def draw_maps(mixer: SkinMixer, count: int, rng: np.random.Generator) -> list[MixedSkin]:
    """Draw maps whose tones cover dark and light skin."""
    known = mixer.skins.pigment[np.argsort(mixer.skins.pigment[:, 0])]
    even = round(EVENNESS * count)
    melanin = np.exp(np.linspace(np.log(MELANIN_RANGE[0]), np.log(MELANIN_RANGE[1]), even))
    blood = [float(known[np.argmin(np.abs(known[:, 0] - each)), 1]) for each in melanin]
    usual = known[((np.arange(count - even) + 0.5) / (count - even) * len(known)).astype(int)]
    pigments = np.vstack([np.column_stack([melanin, np.clip(blood, *BLOOD_RANGE)]), usual])
    bearded = rng.permutation(np.arange(count) < round(BEARDED_RATE * count))
    return [mixer.draw(rng, row, bool(beard)) for row, beard in zip(pigments, bearded, strict=True)]


def encode(rgb: np.ndarray) -> torch.Tensor:
    """Compress a map as WebP."""
    data = io.BytesIO()
    Image.fromarray(rgb).save(data, "WEBP", quality=QUALITY, method=6)
    return torch.from_numpy(np.frombuffer(data.getvalue(), np.uint8).copy())


def main() -> None:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True, help="what is read from portraits is kept here")
    parser.add_argument("--maps", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--embedder", help="recognition network by which maps and people are compared")
    given = parser.parse_args()
    start = time.perf_counter()
    head = heads.load_open()
    chart, filler = FaceChart.of(head), AtlasFiller(head)
    mixer = SkinMixer(gather(read_skins(given.data, given.out), chart), chart)
    rng = np.random.default_rng(given.seed)
    mixed = draw_maps(mixer, given.maps, rng)
    pictures = [filler.complete(skin, rng) for skin in mixed]
    minutes = (time.perf_counter() - start) / 60
    likeness: dict[str, list[float]] = {}
    if given.embedder:
        sources = [skin.sources for skin in mixed]
        photos = given.data / "photos"
        alike = mixer.alike(mixed)
        likeness = compare(
            load_embedder(given.embedder), head, pictures, sources, alike, photos, mixer.skins.name.tolist()
        )
    save(mixed, pictures, len(mixer.details), given.seed, minutes, likeness)


def save(
    mixed: list[MixedSkin],
    pictures: list[np.ndarray],
    people: int,
    seed: int,
    minutes: float,
    likeness: dict[str, list[float]],
    file: Path = ASSET,
) -> None:
    """Write the bank and its card, with the `likeness` of maps and people as its metrics."""
    folds = np.array([skin.wrinkles for skin in mixed])
    tensors = {f"map.{k:03d}": encode(picture) for k, picture in enumerate(pictures)} | {
        "median_rgb": torch.tensor(np.exp([skin.tone for skin in mixed])).float(),
        "melanin": torch.tensor([float(skin.pigment[0]) for skin in mixed]),
        "haemoglobin": torch.tensor([float(skin.pigment[1]) for skin in mixed]),
        "bearded": torch.tensor([int(skin.bearded) for skin in mixed], dtype=torch.uint8),
        "wrinkles": torch.from_numpy(np.argsort(np.argsort(folds)) / max(len(folds) - 1, 1)).float(),
    }
    card = {
        "kind": KIND,
        "name": "Skins mixed across people",
        "source": "headform's own",
        "command": f"python -m tools.appearance.portrait_bank DATA -o WORK --maps {len(mixed)} --seed {seed}",
        "commit": source_commit(),
        "images_seen": people,
        "minutes": round(minutes, 1),
        "seed": seed,
        "license": "CC-BY-4.0",
        "data": (
            f"{people} open portraits, reconstructed and freed of light: Face Research Lab London Set and Canadian "
            "faces (Lisa DeBruine and Benedict Jones, CC BY 4.0), portraits of members of the United States Congress (works "
            f"of the United States government, public domain). Each of the {len(REGIONS)} regions of a map is of another "
            "person of similar skin, brows are removed, and what portraits do not show is painted; no map is anyone's face"
        ),
        "config": {"maps": len(mixed), "side": SIDE, "quality": QUALITY, "regions": list(REGIONS)},
        "metrics": {"cosine (median, 95 %, greatest)": likeness},
    }
    save_model(file, tensors, card, half=False)


if __name__ == "__main__":
    main()
