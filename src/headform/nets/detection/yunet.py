"""YuNet, the face detector: pictures to candidates, and what to try when nothing is found.

Wu, Peng, Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector". N cells or faces, H W pixels.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from PIL import Image

from headform.nets.detection._boxes import sound
from headform.nets.detection._candidates import Candidates
from headform.nets.detection._turned_picture import turn
from headform.nets.detection.face import Face
from headform.nets.detection.yunet_net import STRIDES, YuNet

_SMALLEST_PICTURE = 12
_MOST_ENLARGED = 2.0


@dataclass(frozen=True)
class YuNetOptions:
    """How far the search goes.

    Attributes:
        side: Longer side in pixels at which the network sees the picture first.
        fine_side: The same in the search for small faces, which follows when nothing else was found.
        score: Least confidence; low on purpose, as another network confirms or drops every box.
        confident: Least score of a face that ends the search.
        retry_score: Least score of a face that only the later searches find.
        overlap: Faces that share more than this of their union are one.
        turns: Whether to look for faces turned by ±90, 180 and ±45 degrees in the picture.
    """

    side: int = 640
    fine_side: int = 1280
    score: float = 0.5
    confident: float = 0.75
    retry_score: float = 0.6
    overlap: float = 0.4
    turns: bool = True


class YuNetDetector:
    """Faces in photos, by YuNet."""

    def __init__(self, net: YuNet, options: YuNetOptions | None = None) -> None:
        self._net = net
        self.options = options or YuNetOptions()

    def detect(self, image: UInt8[np.ndarray, "H W 3"], *, every: bool = False) -> list[Face]:
        """Faces in falling order of box area times score.

        Upright faces first. Only when none is certain: turned by ±90 and 180 degrees, then small
        ones, then turned by ±45 degrees; all candidates are then returned.

        Args:
            image: sRGB. Pictures less than 12 pixels wide or high hold no face.
            every: Look for small faces in any case, not only where no other was found.
        """
        faces: list[Face] = []
        for faces in self.passes(image, every=every):
            if any(face.score >= self.options.confident for face in faces):
                break
        return faces

    def passes(self, image: UInt8[np.ndarray, "H W 3"], *, every: bool = False) -> Iterator[list[Face]]:
        """What `detect` knows after each stage of its search, for a caller who judges himself.

        Each list holds the faces of the lists before it, too, unless a better one covers them.
        """
        if min(image.shape[:2]) < _SMALLEST_PICTURE:
            return
        options = self.options
        plans = [[(0, options.side)], [(0, options.fine_side)]]
        if every:
            plans = [[(0, options.side), (0, options.fine_side)], []]
        if options.turns:
            plans.insert(1, [(degrees, options.side) for degrees in (90, -90, 180)])
            plans.append([(degrees, options.side) for degrees in (45, -45)])
        found: list[Candidates] = []
        least = options.score
        for plan in plans:
            found += [self._search(image, degrees, side, least) for degrees, side in plan]
            yield Candidates.joined(found).faces(options.overlap)
            least = max(least, options.retry_score)

    def _search(self, image: UInt8[np.ndarray, "H W 3"], degrees: int, side: int, least: float) -> Candidates:
        turned = turn(image, degrees)
        picture = Image.fromarray(turned.rgb)
        scale = min(side / max(picture.size), _MOST_ENLARGED)
        width, height = (max(1, round(length * scale)) for length in picture.size)
        canvas = np.zeros((-(-height // 32) * 32, -(-width // 32) * 32, 3), np.float32)
        small = picture.resize((width, height), Image.Resampling.BILINEAR)
        canvas[:height, :width] = np.asarray(small)[..., ::-1]  # the network wants blue first
        found = decode(self._run(canvas), canvas.shape[1])
        unit = np.array([picture.width / width, picture.height / height])
        found = Candidates(found.boxes * np.tile(unit, 2), found.scores, found.points * unit)
        good = (found.scores >= least) & sound(found.boxes, 3.0 * max(picture.size))
        return turned.back(found.chosen(good & np.isfinite(found.points).all((1, 2))))

    @torch.inference_mode()
    def _run(self, values: Float[np.ndarray, "H W 3"]) -> dict[str, Float[np.ndarray, "N C"]]:
        # a view of channels that lie last in memory, the layout in which the network is fastest
        outputs = self._net(torch.from_numpy(values).permute(2, 0, 1)[None])
        return {name: value[0].numpy() for name, value in outputs.items()}


def decode(values: Mapping[str, Float[np.ndarray, "_ _"]], width: int) -> Candidates:
    """Candidates of every cell of the three maps.

    A cell in column c and row r of stride s, with outputs b and k, means the center (c + b0, r + b1)
    s, the size (exp b2, exp b3) s and the points ((c, r) + k) s; its score is √(class · objectness).

    Args:
        values: Outputs by name, one row per cell, row by row of the picture.
        width: Of the network's input, in pixels.
    """
    boxes, points, scores = [], [], []
    for stride in STRIDES:
        offset = values[f"bbox_{stride}"].astype(np.float64)
        index = np.arange(len(offset))
        cell = np.stack([index % (width // stride), index // (width // stride)], 1).astype(float)
        center = (cell + offset[:, :2]) * stride
        half = np.exp(np.minimum(offset[:, 2:], 20.0)) * stride / 2
        boxes.append(np.concatenate([center - half, center + half], 1))
        shift = values[f"kps_{stride}"].astype(np.float64).reshape(-1, 5, 2)
        points.append((cell[:, None] + shift) * stride)
        chances = [_unit(values[f"{kind}_{stride}"]) for kind in ("cls", "obj")]
        scores.append(np.sqrt(chances[0] * chances[1]))
    return Candidates(np.concatenate(boxes), np.concatenate(scores), np.concatenate(points))


def _unit(chances: Float[np.ndarray, "N 1"]) -> Float64[np.ndarray, " N"]:
    return np.clip(np.nan_to_num(chances[:, 0].astype(np.float64)), 0.0, 1.0)
