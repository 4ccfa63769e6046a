"""YuNet, the face detector: candidates of a picture, and further searches when nothing is found.

Wu, Peng, Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector". N cells or faces, H W pixels.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from PIL import Image

from headform.nets.detection._boxes import is_valid
from headform.nets.detection._candidates import Candidates
from headform.nets.detection._turned_picture import turn
from headform.nets.detection.face import Face
from headform.nets.detection.yunet_net import STRIDES, YuNet

_SMALLEST_PICTURE = 12
_MOST_ENLARGED = 2.0


@dataclass(frozen=True)
class YuNetOptions:
    """Options of the search.

    Attributes:
        side: Longer side of the network's input in the first search, pixels.
        fine_side: The same in the search for small faces, which follows when nothing else was found.
        score: Minimum confidence; low on purpose, as another network confirms or rejects every box.
        confident: Minimum score of a face that ends the search.
        retry_score: Minimum score of a face that only the later searches find.
        overlap: Maximum intersection over union of two faces.
        turns: Search for faces rotated by ±90, 180 and ±45 degrees, too.
    """

    side: int = 640
    fine_side: int = 1280
    score: float = 0.5
    confident: float = 0.75
    retry_score: float = 0.6
    overlap: float = 0.4
    turns: bool = True


class YuNetDetector:
    """Detector of faces in photos by YuNet."""

    def __init__(self, net: YuNet, options: YuNetOptions | None = None) -> None:
        self._net = net
        self.options = options or YuNetOptions()

    def detect(self, image: UInt8[np.ndarray, "H W 3"], *, every: bool = False) -> list[Face]:
        """Detect faces, in descending order of box area times score.

        Upright faces come first. Only when none is certain: rotated by ±90 and 180 degrees, then small ones, then rotated
        by ±45 degrees; all candidates are then returned.

        Args:
            image: sRGB. Pictures less than 12 pixels wide or high have no face.
            every: Search for small faces in any case, not only where no other was found.
        """
        faces: list[Face] = []
        for faces in self.passes(image, every=every):
            if any(face.score >= self.options.confident for face in faces):
                break
        return faces

    def passes(self, image: UInt8[np.ndarray, "H W 3"], *, every: bool = False) -> Iterator[list[Face]]:
        """Yield the faces found so far after each stage of the search, for a caller with a stopping rule of its own.

        Each list contains the faces of earlier lists, unless a better one covers them.
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
        canvas[:height, :width] = np.asarray(small)[..., ::-1]  # the network takes BGR
        found = decode(self._run(canvas), canvas.shape[1])
        unit = np.array([picture.width / width, picture.height / height])
        found = Candidates(found.boxes * np.tile(unit, 2), found.scores, found.points * unit)
        good = (found.scores >= least) & is_valid(found.boxes, 3.0 * max(picture.size))
        return turned.back(found.chosen(good & np.isfinite(found.points).all((1, 2))))

    @torch.inference_mode()
    def _run(self, values: Float[np.ndarray, "H W 3"]) -> dict[str, Float[np.ndarray, "N C"]]:
        # a channels-last view, the layout in which the network is fastest
        device = next(self._net.parameters()).device
        outputs = self._net(torch.from_numpy(values).permute(2, 0, 1)[None].to(device))
        return {name: value[0].cpu().numpy() for name, value in outputs.items()}


def decode(values: Mapping[str, Float[np.ndarray, "_ _"]], width: int) -> Candidates:
    """Decode the candidates of every cell of the three maps.

    A cell in column c and row r of stride s, with outputs b and k, stands for the center (c + b0, r + b1)
    s, the size (exp b2, exp b3) s and the points ((c, r) + k) s; its score is √(class · objectness).

    Args:
        values: Outputs by name, one row per cell, row by row of the picture.
        width: Width of the network's input, pixels.
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
