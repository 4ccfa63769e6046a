"""`headform data prepare`: photos of a data set as training samples."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from headform import errors
from headform.io.progress import BatchProgress

_Kind = Literal["facewarehouse", "lyhm", "stirling", "florence", "now", "celeba", "folder"]


@dataclass(frozen=True)
class Prepare:
    """Prepare photos as training samples: crops, 68 points, masks of bare skin, and the meshes of registered people.

    Data sets are read as their owners give them out; registrations in the layout of MICA's release. Photos that are done
    already are passed over, so that the command can be stopped and started again. Dropped photos are listed with the reason.
    """

    kind: Positional[_Kind]
    """Data set; `folder` for any photos, a subfolder for each person."""
    source: Positional[Path]
    """Folder of the data set."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """Output folder."""
    registrations: Path | None = None
    """Folder with coefficients or meshes of the people; the source itself where it holds FLAME_parameters."""
    head: Path | None = None
    """Converted head of the registrations, of which meshes are made."""
    size: int = 224
    """Side of the crops, pixels."""
    name: str = ""
    """Name of the data set; that of its kind, or of the folder."""
    subject_pattern: str = ""
    """Regular expression that finds the person in the path of a photo of `folder`."""
    views: tuple[str, ...] = ("1C", "2C")
    """Cameras of `lyhm`."""
    quality: Literal["HQ", "LQ", "both"] = "HQ"
    """Photos of `stirling`."""
    images: Literal["auto", "wild", "aligned"] = "auto"
    """Photos of `celeba`: as found (img_celeba) or aligned (img_align_celeba); those as found where they are there."""
    partition: Literal["train", "val", "test", "all"] = "train"
    """Part of `celeba`, by list_eval_partition.txt."""
    identities: Literal["listed", "none"] = "listed"
    """People of `celeba`, by identity_CelebA.txt; `none` takes each photo for a person of its own."""
    most_per_subject: int = 0
    """Greatest number of photos of a person, spread evenly over them; 0 for all."""
    keep_doubtful: bool = False
    """Keep faces that are covered or whose landmarks are doubtful."""
    part: str = "0/1"
    """Part of the photos for this process: 0/2 and 1/2 divide them among two."""

    def run(self) -> int:
        """Prepare, and print what was kept, dropped and missing."""
        match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", self.part)
        number, parts = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 0 <= number < parts:
            raise errors.UsageError("part_invalid", f"--part is {self.part!r}", "", "use 0/1, or 0/2 and 1/2")
        if not 32 <= self.size <= 2048:
            raise errors.UsageError("size_invalid", f"--size is {self.size}", "", "use 32 to 2048 pixels")
        if self.most_per_subject < 0:
            what = f"--most-per-subject is {self.most_per_subject}"
            raise errors.UsageError("most_invalid", what, "", "use 0 or more")
        from headform.data.face_crops import FaceCropper
        from headform.data.layouts import CelebaSelection, list_photos
        from headform.data.preparation import Preparation, prepare_photos

        photos = list_photos(
            self.kind,
            self.source,
            views=self.views,
            quality=self.quality,
            selection=CelebaSelection(self.images, self.partition, self.identities),
            subject_pattern=self.subject_pattern,
        )
        if self.most_per_subject:
            photos = photos.at_most(self.most_per_subject)
        meshes = self._meshes()
        name = self.name or (self.source.resolve().name if self.kind == "folder" else self.kind)
        preparation = Preparation(name, self.size, (*self._choices(meshes), *photos.choices), (number, parts))
        with BatchProgress(len(photos.photos[number::parts])) as progress:
            facts = prepare_photos(
                photos,
                self.out,
                preparation,
                lambda: FaceCropper(self.size, keep_doubtful=self.keep_doubtful),
                meshes,
                done=progress.end,
            )
        dropped = sum(facts["dropped"].values())
        left = f", {facts['left']} left to other parts" if facts["left"] else ""
        print(f"{facts['samples']} samples of {facts['subjects']} people, {dropped} dropped{left}, in {self.out}")
        for reason, count in facts["dropped"].items():
            print(f"dropped: {count} {reason}")
        for note in facts["notes"]:
            print(f"note: {note}")
        for warning in facts["warnings"]:
            print(f"warning: {warning}")
        return errors.SUCCESS

    def _meshes(self) -> Any:
        """Return the registered people; None without any."""
        from headform.data.layouts import PARAMETERS, folders_named
        from headform.data.subject_meshes import SubjectMeshes
        from headform.heads.loading import load

        folder = self.registrations
        if folder is None and self.kind != "folder" and folders_named(self.source, PARAMETERS):
            folder = self.source
        if folder is None:
            if self.head is not None:
                what = "--head is the head of registrations, and there are none"
                raise errors.UsageError("registrations_missing", what, "", "name their folder with --registrations")
            return None
        return SubjectMeshes(folder, self.kind, None if self.head is None else load(self.head))

    def _choices(self, meshes: Any) -> tuple[tuple[str, Any], ...]:
        head = getattr(getattr(meshes, "head", None), "sha256", None)
        return (
            ("kind", self.kind),
            ("most_per_subject", self.most_per_subject),
            ("keep_doubtful", self.keep_doubtful),
            ("views", self.views if self.kind == "lyhm" else None),
            ("quality", self.quality if self.kind == "stirling" else None),
            ("subject_pattern", self.subject_pattern),
            ("registered", meshes is not None),
            ("head", head),
        )
