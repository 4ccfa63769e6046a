"""FaceWarehouse: 150 people with 20 photos each.

    Tester_1..150/TrainingPose/pose_0..19.{png,obj,land}   photo, mesh and 74 points of one expression; pose_0 is neutral
    Tester_1..150/Blendshape/...                           shapes of the person, for `headform heads convert`

The 74 points are not the annotators' 68 and stay unread. Cao et al., FaceWarehouse, TVCG 2014.
"""

import re
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

SUBJECTS, POSES = 150, 20
_POSE = re.compile(r"pose_\d+", re.IGNORECASE)


def read(source: Path) -> PhotoSet:
    """List the photos of FaceWarehouse.

    Raises:
        InputError: `dataset_missing`, `dataset_layout`.
    """
    photos: list[ListedPhoto] = []
    empty = []
    for tester in folders_named(source, r"Tester_\d+"):
        poses = pictures_below(tester, lambda path: path.parent.name == "TrainingPose" and _is_pose(path))
        if not poses:
            empty.append(tester.name)
        photos += listed(source, tester.name, poses)
    if not photos:
        raise layout_missing(source, "Tester_<k>/TrainingPose/pose_<n>.png")
    notes = [*expected_counts(photos, SUBJECTS, POSES), *named("people without photos in TrainingPose", empty)]
    return PhotoSet(tuple(photos), tuple(notes))


def _is_pose(path: Path) -> bool:
    return bool(_POSE.fullmatch(path.stem))
