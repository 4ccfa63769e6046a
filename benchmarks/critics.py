"""The peers: published landmark networks on the annotated faces, each shown the best crop there is.

Their crops come from the true points, which spares them a detector and its misses; a method that
finds its own faces has the harder task. Run:

    python -m benchmarks.critics [--data ../shared/data] [--json FILE]

Needs the extra `onnx` and `nets/critics/*.onnx` under the data folder. PFLD and MediaPipe 478 are members of headform's
committee as well; here each stands alone, as it was published.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import tyro
from PIL import Image

from benchmarks.environment import default_data, describe
from headform import heads, images
from headform.evaluate.landmarks68.landmark_files import LandmarkAnnotation, read_annotations
from headform.evaluate.landmarks68.landmarks import LandmarkTable, compare, evaluate_each
from headform.evaluate.landmarks68.mean_head import posed_mean_head
from headform.geometry.landmarks68 import LEFT_EYE, RIGHT_EYE, five_points
from headform.geometry.mediapipe478 import TO_68


@dataclass(frozen=True)
class Critic:
    """One network and how it wants its crop.

    Attributes:
        name: For the table.
        file: Under `nets/critics`.
        side: Of the square crop, pixels.
        margin: Side of the square over the longer side of the box of the true points.
        upright: Whether the crop is turned so that the eyes lie level.
        decode: From the flat output to (68, 2) pixels of the crop.
    """

    name: str
    file: str
    side: int
    margin: float
    upright: bool
    decode: Callable[[np.ndarray], np.ndarray]


def _from_mesh(output: np.ndarray) -> np.ndarray:
    return np.asarray(output.reshape(-1, 3)[TO_68, :2])


def _from_fractions(output: np.ndarray) -> np.ndarray:
    return output.reshape(68, 2) * 112


CRITICS = (
    Critic("PFLD", "landmarks_68_pfld.onnx", 112, 1.1, False, _from_fractions),
    Critic("MediaPipe 478", "face_landmarks_detector.onnx", 256, 1.5, True, _from_mesh),
    Critic("MediaPipe 468", "face_landmark.onnx", 192, 1.5, True, _from_mesh),
)


def crop_square(
    rgb: np.ndarray, points: np.ndarray, side: int, margin: float, upright: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Cut the square around 68 points, smoothed where it shrinks.

    Returns:
        The crop (side, side, 3) uint8, and the (2, 3) map from its pixels to the photo's; both
        count from the corner.
    """
    angle = 0.0
    if upright:
        along = points[LEFT_EYE].mean(axis=0) - points[RIGHT_EYE].mean(axis=0)
        angle = float(np.arctan2(along[1], along[0]))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    level = points @ turn
    low, high = level.min(axis=0), level.max(axis=0)
    step = float((high - low).max()) * margin / side  # photo pixels per crop pixel
    center = turn @ ((low + high) / 2)
    back = np.column_stack([turn * step, center - turn @ np.full(2, side / 2) * step])
    shrink = max(1, int(step))
    picture = Image.fromarray(rgb).reduce(shrink)
    crop = picture.transform(
        (side, side),
        Image.Transform.AFFINE,
        tuple((back / shrink).ravel()),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(crop), back


@cache
def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def critic_points(critic: Critic, folder: Path, rgb: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """The critic's 68 points in pixels of the photo, its crop placed by the (68, 2) `guide`."""
    session = _session(folder / critic.file)
    crop, back = crop_square(rgb, guide, critic.side, critic.margin, critic.upright)
    wanted = session.get_inputs()[0]
    kind = np.float16 if "float16" in wanted.type else np.float32
    tensor = (crop.transpose(2, 0, 1)[None] / 255).astype(kind)
    output = session.run(None, {wanted.name: tensor})[0].astype(np.float64).ravel()
    return critic.decode(output) @ back[:, :2].T + back[:, 2]


def judge_critics(data: Path) -> dict[str, LandmarkTable]:
    """Every critic's table on the annotated faces of `data`."""
    photos = data / "photos"
    truth = read_annotations(photos / "landmarks68.json")
    read = {name: images.read(photos / name).rgb for name in dict.fromkeys(f.photo for f in truth)}

    def judge(critic: Critic) -> LandmarkTable:
        def predict(face: LandmarkAnnotation) -> np.ndarray:
            folder = data / "nets" / "critics"
            return critic_points(critic, folder, read[face.photo], face.points)

        return evaluate_each(predict, truth)

    return {critic.name: judge(critic) for critic in CRITICS}


def judge_mean_head(data: Path) -> LandmarkTable:
    """The open head's mean, posed to five of the true points: what no method should lose to."""
    head = heads.load_open()

    def predict(face: LandmarkAnnotation) -> np.ndarray:
        return posed_mean_head(head, five_points(face.points))

    return evaluate_each(predict, read_annotations(data / "photos" / "landmarks68.json"))


@dataclass(frozen=True)
class Arguments:
    """Measure the third-party networks on the annotated faces."""

    data: Path = field(default_factory=default_data)
    json: Path | None = None


def main(arguments: Arguments) -> None:
    """Print the table; write every face's error where asked."""
    tables = judge_critics(arguments.data)
    tables["mean head, five true points"] = judge_mean_head(arguments.data)
    print(compare(tables))
    print(describe())
    if arguments.json:
        content = {name: json.loads(table.to_json()) for name, table in tables.items()}
        arguments.json.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main(tyro.cli(Arguments))
