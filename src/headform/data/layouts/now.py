"""NoW: photos of 100 people for the evaluation of shapes.

    NoW_Dataset/final_release_version/iphone_pictures/SUBJECT/CHALLENGE/IMG_0001.jpg

Sanyal et al., Learning to Regress 3D Face Shape and Expression from an Image without 3D Supervision, CVPR 2019.
"""

from pathlib import Path

from headform.data.layouts.photo_set import (
    PhotoSet,
    expected_counts,
    folders_named,
    layout_missing,
    listed,
    pictures_below,
    subfolders,
)

SUBJECTS = 100
_CHALLENGES = frozenset({"multiview_neutral", "multiview_expressions", "multiview_occlusions", "selfie"})


def read(source: Path) -> PhotoSet:
    """List the photos of NoW.

    Raises:
        InputError: `dataset_missing`, `dataset_layout`.
    """
    places = folders_named(source, "iphone_pictures") or [source]
    photos = [
        photo
        for place in places
        for subject in subfolders(place)
        for photo in listed(source, subject.name, pictures_below(subject, lambda path: path.parent.name in _CHALLENGES))
    ]
    if not photos:
        raise layout_missing(source, "iphone_pictures/SUBJECT/CHALLENGE/IMG_0001.jpg")
    return PhotoSet(tuple(photos), tuple(expected_counts(photos, SUBJECTS)))
