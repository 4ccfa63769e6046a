"""Skin tones of reconstructed heads beside the people's: spread and order of the faces' albedo.

Run:

    python -m benchmarks.skin_tones PHOTO... [--one-exposure]

Give the photos from the person of the darkest skin to the fairest, as you see them. Prints for each the median luminance of
the face's skin in the photo, in the albedo texture and in the model's albedo code; then the spread (the fairest over the
darkest) and Spearman's rank correlation with the order given. With `--one-exposure`, for photos that one camera took in one
light, the order is that of the photos' own luminance, which then is the skin's.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from scipy.stats import spearmanr

from headform import Reconstruction, Reconstructor
from headform.fit.plain_skin import face_skin
from headform.images.transfer import linear_from_srgb
from headform.render.texture_sampling import vertex_colors

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True)
class Arguments:
    """Photos of people, and what their order means."""

    photos: tyro.conf.Positional[tuple[Path, ...]]
    one_exposure: bool = False


def main(arguments: Arguments) -> None:
    """Reconstruct, measure, print."""
    reconstructor = Reconstructor.load(texture_size=512)
    names = ("photo", "albedo texture", "albedo code")
    print(f"| photo | {' | '.join(names)} |\n|---|---|---|---|")
    rows = []
    for path in arguments.photos:
        row = tones(reconstructor.reconstruct(path)[0])
        print(f"| {path.stem} | {' | '.join(f'{value:.3f}' for value in row)} |", flush=True)
        rows.append(row)
    table = np.array(rows)
    order = table[:, 0] if arguments.one_exposure else np.arange(len(table))
    for name, column in zip(names, table.T, strict=True):
        spread, rank = column.max() / column.min(), spearmanr(order, column).statistic
        print(f"{name}: {spread:.2f} to 1, rank correlation {rank:.2f}")


def tones(result: Reconstruction) -> tuple[float, float, float]:
    """Measure the median luminance of the face's skin in the photo's texture, the albedo texture and the albedo code."""
    head = result.head
    skin = face_skin(head)
    code = head.albedo_of(torch.from_numpy(np.asarray(result.albedo_code)).float()).numpy()
    found = [_colors(result, texture)[skin] for texture in (result.texture, result.albedo_texture)]
    photo, albedo, model = (float(np.median(each @ _LUMINANCE)) for each in (*found, code[skin]))
    return photo, albedo, model


def _colors(result: Reconstruction, texture: np.ndarray | None) -> np.ndarray:
    assert texture is not None  # the reconstructor makes textures
    head = result.head
    corners = head.faces.numpy(), head.uv_faces.numpy()
    colors = vertex_colors(texture, head.uv.numpy(), *corners, len(result.vertices))
    return linear_from_srgb(torch.from_numpy(np.asarray(colors, np.float64))).numpy()


if __name__ == "__main__":
    main(tyro.cli(Arguments))
