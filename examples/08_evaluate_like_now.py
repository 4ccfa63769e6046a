"""The NoW benchmark's evaluation on a folder of meshes: median, mean and standard deviation, and the error curve.

    python examples/08_evaluate_like_now.py -o now.png
    python examples/08_evaluate_like_now.py --dataset NoW --predictions PRED

Without a data set a small one of the same layout is built from the open head: two subjects, their "scans" with noise, and
predictions that know 0, 10 or 40 of the 100 identity modes. The picture shows, per challenge, the share of scan points below
an error. `headform evaluate now` does the same and writes tables.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from headform import heads
from headform.evaluate.now import evaluate_dataset
from headform.evaluate.now.image import Options
from headform.heads import PARTS, cut
from headform.io.mesh import TriangleMesh, obj

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--dataset", type=Path, help="with imagepathsvalidation.txt, scans/, scans_lmks_onlypp/")
parser.add_argument("--predictions", type=Path, help="SUBJECT/CHALLENGE/IMAGE.obj, with .npy or .txt beside it")
parser.add_argument("--metrical", action="store_true", help="keep the size of the predictions")
parser.add_argument("-o", "--out", type=Path, default=Path("08_evaluate_like_now.png"), help="the picture")
options = parser.parse_args()


def make_dataset(folder: Path) -> tuple[Path, Path]:
    """Write a data set (scans in millimeters) and predictions (meters, with their seven landmarks)."""
    head, draw = heads.load_open(), torch.Generator().manual_seed(1)
    head = cut(head, torch.nonzero(head.part <= PARTS.index("head"))[:, 0].numpy())  # skin alone, as a scan shows it
    dataset, predictions = folder / "NoW", folder / "predictions"
    listed = []
    for subject in ("first", "second"):
        code = torch.randn(len(head.identity), generator=draw)
        person = head.vertices(code)
        scan = 1000 * (person + 0.0002 * torch.randn(person.shape, generator=draw))
        (dataset / "scans" / subject).mkdir(parents=True)
        (dataset / "scans_lmks_onlypp" / subject).mkdir(parents=True)
        obj.write(dataset / "scans" / subject / "scan.obj", TriangleMesh(scan.numpy(), head.faces.numpy()))
        points = (f'<point x="{x}" y="{y}" z="{z}" active="1"/>' for x, y, z in (1000 * person[head.now7]).tolist())
        (dataset / "scans_lmks_onlypp" / subject / "scan.pp").write_text("\n".join(points))
        for modes in (0, 10, 40):
            path = predictions / subject / f"{modes}_modes" / "image.obj"
            path.parent.mkdir(parents=True)
            guess = head.vertices(code[:modes])
            obj.write(path, TriangleMesh(guess.numpy(), head.faces.numpy()))
            np.save(path.with_suffix(".npy"), guess[head.now7].numpy())
            listed.append(f"{subject}/{modes}_modes/image.jpg\n")
    (dataset / "imagepathsvalidation.txt").write_text("".join(listed))
    return dataset, predictions


dataset, predictions = options.dataset, options.predictions
if dataset is None:
    dataset, predictions = make_dataset(Path(tempfile.mkdtemp()))
table = evaluate_dataset(dataset, predictions, Options(metrical=options.metrical))
print(table.to_markdown(), end="")

sheet = Image.new("RGB", (1280, 840), "white")  # drawn at twice the size
pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(22)
for k in range(7):
    pen.line([(120 + 180 * k, 40), (120 + 180 * k, 740)], fill="gainsboro", width=2)
    pen.text((120 + 180 * k, 750), f"{k / 2} mm", fill="black", font=font, anchor="mt")
    pen.text((104, 740 - 140 * min(k, 5)), f"{20 * min(k, 5)} %", fill="black", font=font, anchor="rm")
colors = ("crimson", "darkorange", "steelblue", "seagreen", "purple")
for k, (challenge, color) in enumerate(zip(table.challenges(), colors, strict=False)):
    errors = np.sort(table.distances(lambda record, name=challenge: record.image.challenge == name))
    below = 740 - 700 * np.searchsorted(errors, np.linspace(0, 3, 200)) / max(len(errors), 1)
    pen.line(list(zip(np.linspace(120, 1200, 200), below, strict=True)), fill=color, width=5)
    pen.text((840, 560 + 36 * k), f"{challenge}: median {np.median(errors):.2f} mm", fill=color, font=font)
sheet.reduce(2).save(options.out)
