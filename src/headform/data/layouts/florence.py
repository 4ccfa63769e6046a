"""Florence 2D/3D (MICC): 53 people in videos, with scans.

    subject_01..53/frame_NNNN.jpg            frames of the videos, as registrations are paired with
    subject_01..53/Video/<place>/...         the videos; their frames may lie beside them
    subject_01..53/Model/<side>/...          scans with textures, which are no photos

Bagdanov et al., The Florence 2D/3D Hybrid Face Dataset, J-HGBU 2011.
"""

from pathlib import Path

from headform.data.layouts.photo_set import (
    ListedPhoto,
    PhotoSet,
    expected_counts,
    folders_named,
    layout_missing,
    listed,
    named,
    pictures_below,
)

SUBJECTS = 53
_VIDEOS = (".mjpg", ".mjpeg", ".mpg", ".mpeg", ".avi", ".mp4")
_TEXTURES = frozenset({"model", "models", "obj", "vrml"})
_OUTDOOR = "ptz-outdoor"
"""Videos that MICA leaves out: faces of a few pixels, far away."""


def read(source: Path) -> PhotoSet:
    """List the frames of Florence; videos must be split into frames first.

    Raises:
        InputError: `dataset_missing`, `dataset_layout`.
    """
    photos: list[ListedPhoto] = []
    videos, outdoor = [], 0
    for folder in folders_named(source, r"subject_\d+"):
        frames = []
        for path in pictures_below(folder, lambda path: not _parts(path, folder) & _TEXTURES):  # noqa: B023
            if _OUTDOOR in _parts(path, folder):
                outdoor += 1
            else:
                frames.append(path)
        if not frames and any(path.suffix.lower() in _VIDEOS for path in folder.rglob("*")):
            videos.append(folder.name)
        photos += listed(source, folder.name, frames)
    notes = named("people with videos but no frames", videos)
    if not photos:
        error = layout_missing(source, "subject_<k>/frame_<n>.jpg")
        if videos:
            error.hint = "split the videos into frames first, such as subject_01/frame_0001.jpg"
        raise error
    notes = [*expected_counts(photos, SUBJECTS), *notes]
    if outdoor:
        notes.append(f"{outdoor} frames of PTZ-Outdoor were left out, in which faces are few pixels large")
    return PhotoSet(tuple(photos), tuple(notes))


def _parts(path: Path, folder: Path) -> set[str]:
    return {part.lower() for part in path.relative_to(folder).parts[:-1]}
