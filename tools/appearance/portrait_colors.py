"""Make `synth/assets/natural_colors.json`: colors of skin, lips, irises and hair in open portraits, as statistics.

    python -m tools.appearance.portrait_colors DATA -o WORK

Skin and lips are read from all portraits (`portrait_skins`, kept in WORK); irises and hair in the hand-placed outlines of
the London and Canadian sets. Each color is brought to the exposure and white in which the person's skin has the color of its
pigments. No person's own values are written but quantiles, means and groups of at least `LEAST` people.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image, ImageDraw

from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.io.atomic import write_bytes
from headform.synth.skin import skin_rgb
from headform.train.export_weights import source_commit
from tools.appearance.portrait_pigments import pigments
from tools.appearance.portrait_residuals import LEAST_HUE
from tools.appearance.portrait_skins import read_skins

ASSET = Path(__file__).parents[2] / "src" / "headform" / "synth" / "assets" / "natural_colors.json"
OUTLINED = ("london", "canada")
QUANTILES = np.linspace(0, 1, 21)
GROUPS = {"iris": 6, "hair": 6}
LEAST = 4
"""Fewest people of a group."""
SCLERA = 0.55
"""Mean linear albedo of the white of the eye; how much darker it is in the pictures is the shade of the lids."""
MOST_SMILE, MOST_JAW_OPEN = 0.3, 0.05
"""Expressions in which the points of the lips show no teeth."""
LEAST_CONFIDENCE, MOST_COVERED = 0.5, 0.1


@dataclass(frozen=True)
class Outlined:
    """Colors of one person, linear RGB of the picture."""

    source: str
    skin: Float[np.ndarray, "3"]
    iris: Float[np.ndarray, "3"]
    sclera: Float[np.ndarray, "3"]
    hair: Float[np.ndarray, "3"]


def read_outlined(photos: Path) -> list[Outlined]:
    """Read the portraits with hand-placed outlines (`landmarks189.json`)."""
    found = []
    for name in OUTLINED:
        for face in json.loads((photos / name / "landmarks189.json").read_text())["faces"]:
            points = np.array(face["points"], np.float64)
            rgb = LINEAR_FROM_SRGB8[np.asarray(Image.open(photos / name / face["file"]).convert("RGB"))]
            one = outlined_colors(name, rgb, points)
            if one is not None:
                found.append(one)
    return found


def outlined_colors(
    source: str, rgb: Float[np.ndarray, "H W 3"], points: Float[np.ndarray, "189 2"]
) -> Outlined | None:
    """Median colors of cheeks, irises, eye whites and hair; None where one of them is not seen."""
    shape = rgb.shape[:2]
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    iris, white = np.zeros(shape, bool), np.zeros(shape, bool)
    for middle, ring, lids in zip((0, 1), (_RING_LEFT, _RING_RIGHT), (_LIDS_LEFT, _LIDS_RIGHT), strict=True):
        rim = points[ring]
        radius = np.linalg.norm(rim - rim.mean(0), axis=1).mean()
        distance = np.hypot(x - points[middle, 0], y - points[middle, 1]) / radius
        opening = _inside(points[lids], shape)
        lower = y > points[middle, 1] - 0.1 * radius  # the upper half is in the lid's shade and holds the lamps
        iris |= opening & lower & (distance > 0.5) & (distance < 0.85)
        white |= opening & (distance > 1.25)
    hair = _inside(np.vstack([points[_HAIRLINE], points[_HAIR][::-1]]), shape)
    places = [(points[a] + points[b]) / 2 for a, b in ((0, 87), (1, 93))]
    cheek = np.zeros(shape, bool)
    for place in places:
        cheek |= (np.abs(x - place[0]) < 5) & (np.abs(y - place[1]) < 5)
    if min(iris.sum(), white.sum()) < 12 or hair.sum() < 200:
        return None
    return Outlined(
        source,
        np.median(rgb[cheek], axis=0),
        np.median(rgb[iris], axis=0),
        np.percentile(rgb[white], 60, axis=0),
        np.median(rgb[hair], axis=0),
    )


def group(colors: Float[np.ndarray, "P 3"], melanin: Float[np.ndarray, " P"], count: int) -> list[dict[str, object]]:
    """Group colors (logarithms) by k-means, each with its share and the melanin of its people."""
    start = np.argsort(colors.mean(1))[((np.arange(count) + 0.5) / count * len(colors)).astype(int)]
    centers = colors[start]
    for _ in range(50):
        nearest = ((colors[:, None] - centers) ** 2).sum(-1).argmin(1)
        centers = np.stack([colors[nearest == k].mean(0) if (nearest == k).any() else centers[k] for k in range(count)])
    groups = []
    for k in range(count):
        rows = nearest == k
        if rows.sum() >= LEAST:
            groups.append({
                "rgb": _rounded(np.exp(centers[k])),
                "log_sd": _rounded(colors[rows].std(0)),
                "share": round(float(rows.mean()), 3),
                "melanin": _rounded(np.array([melanin[rows].mean(), max(melanin[rows].std(), 0.1)])),
            })  # fmt: skip
    return groups


def statistics(files: list[Path], photos: Path) -> dict[str, object]:
    """Compute all statistics."""
    rows = [row for row in map(_meta, files) if row is not None]
    tone = np.log([row["skin"] * row["exposure"] for row in rows])
    pigment = pigments(tone, np.array([str(row["name"]).split("/")[0] for row in rows]))
    closed = np.array([row["smile"] < MOST_SMILE and row["jaw_open"] < MOST_JAW_OPEN for row in rows])
    lips = (np.log([row["lips"] for row in rows]) - np.log([row["skin"] for row in rows]))[closed]
    line = np.column_stack([np.ones(len(lips)), pigment[closed, 0]])
    code = np.linalg.lstsq(line, lips, rcond=None)[0]
    people = read_outlined(photos)
    skin = np.log([person.skin for person in people])
    of_people = pigments(skin, np.array([person.source for person in people]))
    white = np.log([skin_rgb(*row) for row in of_people]) - skin
    sclera = np.log([person.sclera for person in people]) + white
    shade = np.log(SCLERA) - np.median(sclera.mean(1))
    iris = np.log([person.iris for person in people]) + white + shade
    hair = np.log([person.hair for person in people]) + white
    return {
        "melanin_quantiles": _rounded(np.quantile(pigment[:, 0], QUANTILES)),
        "haemoglobin": _rounded(np.array([pigment[:, 1].mean(), pigment[:, 1].std()])),
        "haemoglobin_per_melanin": round(float(np.polyfit(pigment[:, 0], pigment[:, 1], 1)[0]), 4),
        "lips_log": _rounded(code[0]),
        "lips_log_per_melanin": _rounded(code[1]),
        "lips_covariance": [_rounded(row) for row in np.cov((lips - line @ code).T)],
        "iris": group(iris, of_people[:, 0], GROUPS["iris"]),
        "hair": group(hair, of_people[:, 0], GROUPS["hair"]),
        "people": {"skin": len(rows), "lips": len(lips), "iris and hair": len(people)},
    }


_RING_LEFT, _RING_RIGHT = slice(2, 10), slice(10, 18)
_LIDS_LEFT, _LIDS_RIGHT = [18, 19, 20, 21, 22, 30, 29, 28], [23, 24, 25, 26, 27, 33, 32, 31]
_HAIRLINE, _HAIR = slice(134, 145), slice(145, 158)


def _meta(file: Path) -> dict[str, np.ndarray] | None:
    with np.load(file) as stored:
        row = {
            key: stored[key]
            for key in ("name", "confidence", "covered", "skin", "lips", "exposure", "smile", "jaw_open")
        }
    finite = np.isfinite(row["skin"]).all() and np.isfinite(row["lips"]).all() and row["lips"].min() > 0
    if not finite or row["confidence"] < LEAST_CONFIDENCE or row["covered"] > MOST_COVERED:
        return None
    gray = np.ptp(np.log(row["skin"])) < LEAST_HUE
    return None if gray or str(row["name"]).endswith("_smiling.jpg") else row


def _inside(polygon: Float[np.ndarray, "P 2"], shape: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
    picture = Image.new("L", (shape[1], shape[0]))
    ImageDraw.Draw(picture).polygon([(float(x) - 0.5, float(y) - 0.5) for x, y in polygon], fill=1)
    return np.asarray(picture) > 0


def _rounded(values: Float[np.ndarray, " N"]) -> list[float]:
    return [round(float(value), 4) for value in values]


def main() -> None:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True, help="what is read from portraits is kept here")
    given = parser.parse_args()
    content = {
        "name": "Natural colors",
        "license": "CC-BY-4.0",
        "data": (
            "Statistics of open portraits: Face Research Lab London Set and Canadian faces (Lisa DeBruine, Benedict Jones, "
            "CC BY 4.0), portraits of members of the United States Congress (public domain)"
        ),
        "command": "python -m tools.appearance.portrait_colors DATA -o WORK",
        "commit": source_commit(),
    } | statistics(read_skins(given.data, given.out), given.data / "photos")
    write_bytes(ASSET, (json.dumps(content, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
