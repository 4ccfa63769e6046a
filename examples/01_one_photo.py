"""One photo to a textured 3D head: `head.glb`, `parameters.npz` and the overlay as a picture.

    python examples/01_one_photo.py me.jpg -o one_photo.png --folder one_photo

Without a photo the portrait beside this file is taken. The picture shows the photo, the 68 landmarks, the shape on the
photo and the textured head from three sides.
"""

import argparse
from pathlib import Path

from PIL import Image

import headform
from headform.export import write_reconstruction
from headform.viz import overlay

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("photo", nargs="?", type=Path, default=Path(__file__).with_name("astronaut.jpg"))
parser.add_argument("-o", "--out", type=Path, default=Path("01_one_photo.png"), help="the picture")
parser.add_argument("--folder", type=Path, help="where the files of the head are written; nowhere by default")
options = parser.parse_args()

result = headform.reconstruct(options.photo)

print(f"{result.status}, confidence {result.confidence:.2f}", *result.reasons)
print(f"{len(result.vertices)} vertices, {len(result.identity)} identity coefficients")
strongest = sorted(zip(result.expression, result.head.expression_names, strict=True), reverse=True)[:4]
print("expression:", ", ".join(f"{name} {weight:.2f}" for weight, name in strongest))
eyes = result.head.landmarks(result.head.mean.new_tensor(result.neutral))[[36, 45]]
print(f"outer eye corners {1000 * float((eyes[0] - eyes[1]).norm()):.1f} mm apart, on the scale of the head model")

if options.folder is not None:
    for path in write_reconstruction(result, options.folder, ("glb", "obj")):
        print(path)
Image.fromarray(overlay(result, result.photo)).save(options.out)
print(options.out)
