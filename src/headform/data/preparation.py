"""Prepare the photos of a data set as training samples in shards; can be stopped, resumed and divided among processes.

plan.json                  what the folder is made from
00000.tar ... index.json   samples (`data.shards`)
dropped.jsonl              a line for each photo that was dropped, with its reason; dropped-<prefix>.jsonl of a part
preparation.json           counts, notes and warnings, written last
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headform.data.contamination import contamination
from headform.data.face_crops import Cropper, FaceCrop
from headform.data.layouts import PhotoSet
from headform.data.layouts.photo_set import named
from headform.data.license_terms import license_warnings
from headform.data.sample import Sample, sample_name
from headform.data.shard_index import merge_index
from headform.data.shard_writer import SAMPLES_PER_SHARD, ShardWriter
from headform.data.subject_meshes import SubjectMeshes
from headform.errors import InputError, ResourceError
from headform.io.atomic import make_folder, write_bytes
from headform.io.file_bytes import read_regular
from headform.io.json_file import parse_json, read_json

FORMAT = "headform-preparation-1"
PLAN, FACTS, DROPPED = "plan.json", "preparation.json", "dropped"
_LARGEST = 1 << 28


@dataclass(frozen=True)
class Preparation:
    """Choices of a preparation; those of the plan cannot change in a folder that was begun.

    Attributes:
        source: Name of the data set, of which names of samples begin.
        side: Side of the crops, pixels.
        choices: Other choices by which photos and labels were listed, plain JSON values, kept in the plan.
        part: Number of this part and of all: 0 of 1 for the whole set.
        samples_per_shard: Samples of a shard.
    """

    source: str
    side: int = 224
    choices: tuple[tuple[str, Any], ...] = ()
    part: tuple[int, int] = (0, 1)
    samples_per_shard: int = SAMPLES_PER_SHARD

    @property
    def prefix(self) -> str:
        """Beginning of the names of this part's shards; empty for a whole set."""
        return f"part{self.part[0]}-" if self.part[1] > 1 else ""


def prepare_photos(
    photos: PhotoSet,
    out: Path,
    preparation: Preparation,
    cropper: Callable[[], Cropper],
    meshes: SubjectMeshes | None = None,
    *,
    done: Callable[[str], None] = lambda sentence: None,
) -> dict[str, Any]:
    """Crop photos and write samples; photos that are written or dropped already are passed over.

    Args:
        photos: Photos with their subjects.
        out: Folder, made if absent.
        preparation: Choices.
        cropper: Makes the maker of crops; called once, unless nothing is left to do.
        meshes: Registered subjects.
        done: Told of each photo of this part in turn.

    Returns:
        The facts of `preparation.json`: counts, reasons of dropped photos, notes, warnings.

    Raises:
        InputError: `dataset_exists` where the folder was made with other choices; those of `ShardWriter`.
        ResourceError: those of `ShardWriter`.
    """
    make_folder(out)
    _keep_plan(out, preparation)
    number, parts = preparation.part
    names = _names(preparation.source, [photo.label for photo in photos.photos])
    before = _dropped(out)
    reader: Cropper | None = None
    head = meshes.head.sha256 or None if meshes is not None and meshes.head is not None else None
    list_path = out / f"{DROPPED}{'-' if preparation.prefix else ''}{preparation.prefix.rstrip('-')}.jsonl"
    with ShardWriter(
        out, size=preparation.side, prefix=preparation.prefix, samples_per_shard=preparation.samples_per_shard
    ) as writer:
        for photo in photos.photos[number::parts]:
            name = names[photo.label]
            if name in writer.names or photo.label in before:
                done(f"{photo.label}: there already")
                continue
            reader = reader or cropper()
            crop = reader.crop(photo.path, photo.face)
            if not isinstance(crop, FaceCrop):
                _note_dropped(list_path, {"photo": photo.label, "subject": photo.subject, "reason": crop})
                done(f"{photo.label}: dropped, {crop}")
                continue
            mesh = meshes.of(photo.subject) if meshes is not None else None
            writer.add(
                Sample(
                    name=name,
                    subject=photo.subject,
                    image=crop.image,
                    points68=crop.points68,
                    skin=crop.skin,
                    coefficients=mesh.coefficients if mesh else {},
                    head=head if mesh else None,
                    vertices=mesh.vertices if mesh else None,
                    source=preparation.source,
                )
            )
            done(f"{photo.label}: kept")
    return _facts(photos, out, preparation, meshes)


def _facts(photos: PhotoSet, out: Path, preparation: Preparation, meshes: SubjectMeshes | None) -> dict[str, Any]:
    """Count what the folder holds by now, other parts included, and write it."""
    rows = [row for entry in merge_index(out) for row in entry.samples]
    kind = str(dict(preparation.choices).get("kind"))  # a set is warned of under another name, too
    sources = {row.source for row in rows} | {kind}
    dropped = _dropped(out)
    kept = {row.subject for row in rows}
    notes = list(photos.notes)
    lost = [subject for subject in photos.subjects if subject not in kept]
    if lost and len(rows) + len(dropped) >= len(photos.photos):
        notes += named("subjects without a usable photo", lost)
    if meshes is not None:
        notes += meshes.notes
        notes += named("subjects without a registration", [s for s in photos.subjects if meshes.of(s) is None])
        notes += named("registrations of nobody in the photos", meshes.unused(photos.subjects))
    facts = {
        "format": FORMAT,
        "source": preparation.source,
        "photos": len(photos.photos),
        "samples": len(rows),
        "subjects": len(kept),
        "dropped": dict(Counter(dropped.values()).most_common()),
        "left": len(photos.photos) - len(rows) - len(dropped),
        "notes": notes,
        "warnings": [*contamination(sources), *license_warnings(sources)],
    }
    write_bytes(out / FACTS, (json.dumps(facts, indent=1) + "\n").encode())
    return facts


def _names(source: str, labels: list[str]) -> dict[str, str]:
    """Return the name of the sample of each photo: set and path; files that would share one get a checksum."""
    plain = {label: f"{source}-{label.rsplit('.', 1)[0].replace('/', '-')}" for label in labels}
    shared = Counter(plain.values())
    return {label: sample_name(text if shared[text] == 1 else f"{source}-{label}") for label, text in plain.items()}


def _keep_plan(out: Path, preparation: Preparation) -> None:
    """Write the plan, or check that it is the one of a folder that was begun."""
    plan = {"format": FORMAT, "source": preparation.source, "side": preparation.side, **dict(preparation.choices)}
    wanted = json.loads(json.dumps(plan | {"parts": preparation.part[1]}))
    path = out / PLAN
    if not path.exists():
        write_bytes(path, (json.dumps(wanted, indent=1) + "\n").encode())
        return
    try:
        known = read_json(path, _LARGEST)
    except (OSError, ValueError):
        known = None
    if known != wanted:
        old = known if isinstance(known, dict) else {}
        differ = sorted(key for key in {*wanted, *old} if wanted.get(key) != old.get(key))
        what = f"the folder was prepared with other choices: {', '.join(differ)}"
        raise InputError("dataset_exists", what, ascii(str(out)), "choose another folder, or remove this one")


def _dropped(out: Path) -> dict[str, str]:
    """Return the reasons of the photos that were dropped, by their labels; a last line that was cut off is left out."""
    found = {}
    for path in sorted(out.glob(f"{DROPPED}*.jsonl")):
        try:
            lines = read_regular(path, _LARGEST).splitlines()
        except OSError:
            continue
        for line in lines:
            try:
                row = parse_json(line)
                found[str(row["photo"])] = str(row["reason"])
            except (ValueError, LookupError, TypeError):
                continue
    return found


def _note_dropped(path: Path, row: dict[str, str]) -> None:
    try:
        with path.open("ab") as file:
            file.write((json.dumps(row) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        what = f"cannot note a dropped photo: {error.strerror or error}"
        raise ResourceError("write_failed", what, ascii(str(path)), "choose a folder with enough disk space") from error
