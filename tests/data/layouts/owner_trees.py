"""Small data sets with the names that their owners use; files are empty."""

from collections.abc import Iterable
from pathlib import Path

CELEBA_PEOPLE = {1: 2880, 2: 2937, 3: 2880, 4: 10, 5: 11, 6: 10}
CELEBA_PARTS = {1: 0, 2: 0, 3: 0, 4: 0, 5: 1, 6: 2}
_POINTS = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")
_LANDMARK_NAMES = [f"{point}_{axis}" for point in _POINTS for axis in "xy"]


def touch(folder: Path, names: Iterable[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def facewarehouse(folder: Path, testers: Iterable[int] = (1, 2, 10), poses: int = 20) -> Path:
    names = [
        f"Tester_{t}/TrainingPose/pose_{k}.{end}"
        for t in testers
        for k in range(poses)
        for end in ("png", "obj", "land")
    ]
    return touch(folder, [*names, "Tester_1/Blendshape/shape.bs", "Tester_1/Blendshape/preview.png"])


def headspace(folder: Path) -> Path:
    stamp = "130913144518"
    cameras = [f"{pod}{camera}.png" for pod in range(1, 6) for camera in "ABC"]
    names = [f"headspacePngTka/subjects/{sid}/{stamp}/{c}" for sid in ("00001", "00033") for c in cameras]
    scans = [f"headspaceOnline/subjects/00001/{stamp}.{end}" for end in ("obj", "mtl", "bmp")]
    touch(folder, [*names, *scans, "headspacePngTka/subjects/00002/130913144519/calib_1A.tka"])
    return touch(folder, ["headspaceOnline/subjects/00001/subject.txt"])


def stirling(folder: Path, photos: str = "Subset_2D_FG2018") -> Path:
    names = [f"{photos}/HQ/{name}.jpg" for name in ("F1001_001", "F1001_002", "f1004b_001", "M1000_010", "readme_1")]
    scans = ["F_3D_N/F1001_N.obj", "F_3D_N/F1001_N.mtl", "M_3D_N/M1000_N.obj", "annotations/M_3D_N/M1000_N.lnd"]
    return touch(folder, [*names, f"{photos}/LQ/F1001_900.jpg", *scans])


def florence(folder: Path) -> Path:
    names = [f"subject_{s:02d}/frame_{k:04d}.jpg" for s in (1, 2, 11) for k in (1, 2, 10)]
    names += ["subject_01/Model/frontal1/obj/110920150236.jpg", "subject_01/Model/frontal1/obj/110920150236.obj"]
    names += ["subject_01/Video/PTZ-Outdoor/frame_0001.jpg", "subject_01/Video/Indoor-Cooperative/frame_0002.jpg"]
    return touch(folder, [*names, "subject_03/Video/Indoor-Cooperative.mjpg"])


def now(folder: Path) -> Path:
    place = "NoW_Dataset/final_release_version"
    names = [
        f"{place}/{kind}/{subject}/{challenge}/IMG_000{k}.{end}"
        for kind, end in (("iphone_pictures", "jpg"), ("detected_face", "npy"))
        for subject in ("FaMoS_180424_03335_TA", "FaMoS_180426_03336_TA")
        for challenge in ("multiview_neutral", "selfie")
        for k in range(2)
    ]
    return touch(folder, [*names, "scans/FaMoS_180424_03335_TA/scan.obj", "imagepathsvalidation.txt"])


def celeba(folder: Path) -> Path:
    """Six photos with all lists, as the owners' archives unpack."""
    names = [f"{k:06d}.jpg" for k in CELEBA_PEOPLE]
    touch(folder, [f"Img/{place}/{name}" for place in ("img_celeba", "img_align_celeba") for name in names])
    touch(folder, ["Img/img_align_celeba.zip", "Img/img_celeba.7z/img_celeba.7z.001", "README.txt"])
    points = [f"{name} 165 184 244 176 196 249 194 271 266 260" for name in names]
    aligned = [f"{name} 69 109 106 113 77 142 73 152 108 154" for name in names]
    lists = {
        "Anno/identity_CelebA.txt": [f"{k:06d}.jpg {person}" for k, person in CELEBA_PEOPLE.items()],
        "Anno/list_landmarks_celeba.txt": [f"{len(names)}", " ".join(_LANDMARK_NAMES) + " ", *points],
        "Anno/list_landmarks_align_celeba.txt": [f"{len(names)}", " ".join(_LANDMARK_NAMES) + " ", *aligned],
        "Anno/list_bbox_celeba.txt": ["6", "image_id x_1 y_1 width height", *(f"{n}    95  71 226 313" for n in names)],
        "Anno/list_attr_celeba.txt": ["6", "5_o_Clock_Shadow Young ", *(f"{name} -1  1" for name in names)],
        "Eval/list_eval_partition.txt": [f"{k:06d}.jpg {part}" for k, part in CELEBA_PARTS.items()],
    }
    for name, lines in lists.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder


def celeba_of_kaggle(folder: Path) -> Path:
    """The same as aligned photos in a folder of their own name, lists as tables, people unknown."""
    touch(folder, [f"img_align_celeba/img_align_celeba/{k:06d}.jpg" for k in CELEBA_PEOPLE])
    tables = {
        "list_eval_partition.csv": ["image_id,partition", *(f"{k:06d}.jpg,{part}" for k, part in CELEBA_PARTS.items())],
        "list_landmarks_align_celeba.csv": [
            ",".join(["image_id", *_LANDMARK_NAMES]),
            *(f"{k:06d}.jpg,69,109,106,113,77,142,73,152,108,154" for k in CELEBA_PEOPLE),
        ],
        "list_bbox_celeba.csv": [
            "image_id,x_1,y_1,width,height",
            *(f"{k:06d}.jpg,95,71,226,313" for k in CELEBA_PEOPLE),
        ],
    }
    for name, lines in tables.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder
