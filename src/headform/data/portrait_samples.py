"""Prepared portraits as training samples: photos alone, for the 2D losses of the face encoder.

S side of a sample's picture.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from headform.data.portraits import Portrait
from headform.data.sample import Sample, sample_name
from headform.data.shards import ShardWriter
from headform.geometry.landmarks68 import five_points
from headform.nets.parsing_predictor import ParsingPredictor
from headform.pipeline.head_surface import surface_in_photo

_SKIN = 0.5
"""Share of the head's own surface from which a pixel counts as bare skin."""


def write_portrait_samples(
    portraits: Iterable[Portrait],
    parser: ParsingPredictor,
    folder: Path,
    *,
    size: int = 224,
    done: Callable[[str], None] | None = None,
) -> tuple[int, int]:
    """Write the photos of prepared portraits, not their turned copies, whose shape is a reconstruction's.

    The skin mask is the parsing network's; points on which the networks do not agree are unknown. Photos whose eyes, nose
    or mouth are among these are left out. Samples that the folder holds are kept.

    Args:
        portraits: Prepared portraits, without turned copies.
        parser: Predictor of face classes.
        folder: Folder of shards.
        size: Side S, pixels.
        done: Called with a line for each photo.

    Returns:
        Numbers of samples written, and of photos left out.

    Raises:
        InputError: `dataset_damaged`, `dataset_exists`.
        ResourceError: `write_failed`, `folder_in_use`.
    """
    written = left = 0
    count: dict[str, int] = {}
    with ShardWriter(folder, size=size, prefix="portraits-") as writer:
        for portrait in portraits:
            number = count[portrait.person] = count.get(portrait.person, 0) + 1
            name = sample_name(f"{portrait.person}-{number}")
            if name in writer.names:
                continue
            sample = portrait_sample(portrait, parser, name, size)
            if sample is None:
                left += 1
            else:
                writer.add(sample)
                written += 1
            if done is not None:
                done(f"{name}: {'written' if sample is not None else 'left out: eyes, nose or mouth are uncertain'}")
    return written, left


def portrait_sample(portrait: Portrait, parser: ParsingPredictor, name: str, size: int) -> Sample | None:
    """Convert one portrait; None where a point of the encoder's crop is unknown."""
    picture = portrait.cut(size)
    points = _known(picture)
    if not np.isfinite(five_points(points)).all():
        return None
    parsed = parser.parse([picture.rgb], [picture.points68.astype(np.float64)])[0]
    skin = surface_in_photo(parsed, (size, size)) >= _SKIN
    return Sample(
        name=name,
        subject=portrait.person,
        image=picture.rgb,
        points68=points,
        skin=np.where(skin, 255, 0).astype(np.uint8),
        source=portrait.person.split("/")[0],
    )


def _known(portrait: Portrait) -> Float32[np.ndarray, "68 2"]:
    points = portrait.points68.copy()
    points[~portrait.trusted68] = np.nan
    return points
