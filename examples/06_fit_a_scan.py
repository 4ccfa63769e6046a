"""A head model fitted to a scan: coefficients, vertices in correspondence, and distances.

    python examples/06_fit_a_scan.py -o fit.png
    python examples/06_fit_a_scan.py scan.obj --landmarks scan.pp

Without a scan a synthetic one is fitted: a random head of the model without its back, in millimeters, turned, with noise.
Landmarks of a scan are seven picked points in the order of NoW, or 68 of iBUG; without a file they are found by drawing
the scan. `headform heads fit scan.obj -o fitted` does the same and writes all files.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from headform import heads
from headform.geometry import rotation_from_euler
from headform.io.mesh import TriangleMesh
from headform.registration import FitSource, ScanLandmarker, fit_head, read_landmarks, read_mesh, scan_source
from headform.viz import FitPicture, draw_fit

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("scan", nargs="?", type=Path, help=".obj or .ply, any unit and position")
parser.add_argument("--landmarks", type=Path, help=".pp, .npy or .txt")
parser.add_argument("-o", "--out", type=Path, default=Path("06_fit_a_scan.png"), help="the picture")
options = parser.parse_args()
head = heads.load_open()


def synthetic_scan() -> tuple[FitSource, np.ndarray]:
    """Return a scan with known landmarks, and the head behind it, meters."""
    draw = torch.Generator().manual_seed(3)
    ground_truth = head.vertices(torch.randn(len(head.identity), generator=draw))
    turn = rotation_from_euler(*torch.tensor([0.4, -0.2, 0.1]).unbind())
    move = lambda points: (1000 * points @ turn.T + torch.tensor([20.0, 310.0, -50.0])).double().numpy()  # noqa: E731
    noisy = ground_truth + 0.0003 * torch.randn(ground_truth.shape, generator=draw)
    front = (ground_truth[:, 2] > ground_truth[:, 2].min() + 0.08)[head.faces].all(dim=1)
    mesh = TriangleMesh(move(noisy), head.faces[front].numpy())
    return scan_source(
        "synthetic scan", mesh, move(head.landmarks(ground_truth, offset=False))
    ), ground_truth.double().numpy()


ground_truth = None
if options.scan is None:
    source, ground_truth = synthetic_scan()
else:
    mesh, _ = read_mesh(options.scan)
    known = options.landmarks is not None
    points = read_landmarks(options.landmarks) if known else ScanLandmarker.load().find(mesh).usable
    source = scan_source(options.scan.name, mesh, points)

fit = fit_head(head, source)
title = f"{source.name}: median {fit.distance.median_mm:.2f} mm, 90 % within {fit.distance.p90_mm:.2f} mm"
print(title, f"({source.unit or 'unit unknown'}, {fit.seconds:.1f} s)")
print("first identity coefficients:", np.round(fit.identity[:6], 2))
if ground_truth is not None:
    off = np.linalg.norm(fit.vertices - ground_truth, axis=1)[head.regions["face"].numpy()]
    print(f"vertices of the face off by {1000 * off.mean():.2f} mm on average")

back = fit.to_source.inverse()  # from the frame and unit of the scan to the head frame, meters
picture = FitPicture(
    source=replace(source.mesh, vertices=back.apply(source.mesh.vertices)),
    fitted=fit.vertices,
    faces=head.faces.numpy(),
    face=back.apply(source.landmarks[np.isfinite(source.landmarks).all(axis=1)]),
    distance_mm=fit.distance.distance_mm,
    measured=fit.distance.measured,
    title=title,
)
Image.fromarray(draw_fit(picture, top_mm=1.0, side=320)).save(options.out)
print(options.out)
