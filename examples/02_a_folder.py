"""Many photos with one `Reconstructor`: networks are loaded once, failures are reported per photo.

    python examples/02_a_folder.py photos/ -o folder.png

Without a folder three pictures are taken: the portrait beside this file, a synthetic face, and one without a face. The
picture has a row for each photo that held a face. `headform reconstruct photos/ -o out` does the same and writes all files.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import headform
from headform.errors import HeadformError
from headform.synth import EASY, Generator
from headform.viz import overlay

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", nargs="?", type=Path, help="photos; .jpg, .png, .webp")
parser.add_argument("-o", "--out", type=Path, default=Path("02_a_folder.png"), help="the picture")
options = parser.parse_args()

# The head model alone is textured here, in half the size, to be quicker; texture_size=0 makes no texture.
reconstructor = headform.Reconstructor.load(texture_size=512)


def example_photos() -> dict[str, Path | np.ndarray]:
    """Return a portrait, a synthetic face and a picture of nothing: a path or an array (H, W, 3) uint8 each."""
    face = Generator(reconstructor.head, size=224, randomization=EASY, bank_size=4).batch(np.random.default_rng(8), 1)
    nothing = np.full((200, 200, 3), 128, np.uint8)
    return {"astronaut": Path(__file__).with_name("astronaut.jpg"), "synthetic": face.images[0], "nothing": nothing}


if options.folder is None:
    photos = example_photos()
else:
    endings = (".jpg", ".jpeg", ".png", ".webp")
    photos = {path.name: path for path in sorted(options.folder.iterdir()) if path.suffix.lower() in endings}

rows = []
for name, photo in photos.items():
    try:
        result = reconstructor.reconstruct(photo)[0]  # people="all" gives every face, largest first
    except HeadformError as error:
        print(f"{name}: {error.code}: {error}")
        continue
    print(f"{name}: {result.status}, confidence {result.confidence:.2f}, {result.timings['total']:.2f} s")
    rows.append(overlay(result, result.photo))

if not rows:
    raise SystemExit("no face in any photo")
Image.fromarray(np.concatenate(rows)).save(options.out)
print(options.out)
