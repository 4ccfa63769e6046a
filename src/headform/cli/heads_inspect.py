"""`headform heads inspect`: print the contents of a head model and draw a picture of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, UseAppendAction, arg

from headform import errors
from headform.geometry.units import MM_PER_M

if TYPE_CHECKING:
    from headform.heads import LinearHead

Facts = dict[str, object]
_USUAL_RATIO = 0.8, 1.2
"""Range of the outer eye distance over that of the mean adult in which the unit is plausible."""


@dataclass(frozen=True)
class Inspect:
    """Print the contents of a head model, after validating it."""

    file: Positional[str]
    """Head file, the name open, or a publisher's file, which is read as by `heads convert`."""
    picture: Annotated[Path | None, arg(aliases=("-o",))] = None
    """Also draw the mean, the first modes at ±2 standard deviations, colors and expressions to this PNG or JPEG."""
    kind: str | None = None
    """Kind of a publisher's file; detected by default."""
    with_: Annotated[UseAppendAction[tuple[Path, ...]], arg(name="with")] = ()
    """Further file of a publisher's model; may be given several times."""
    landmarks: Path | None = None
    """Landmarks of a publisher's model that comes without, as for `heads convert`."""
    json: bool = False
    """Print JSON."""

    def run(self) -> int:
        """Print name, origin, license, counts, size, the unit check and names."""
        head = self._head()
        facts = head_facts(head)
        if self.picture is not None:
            _draw(head, self.picture)
        if self.json:
            print(json.dumps(facts))
            return errors.SUCCESS
        print_facts(facts)
        if self.picture is None:
            print("picture: add -o PICTURE.png to see its mean, modes and expressions")
        else:
            print(f"picture: {self.picture}")
        return errors.SUCCESS

    def _head(self) -> "LinearHead":
        from headform import heads
        from headform.importers.registry import convert
        from headform.io.file_bytes import first_bytes
        from headform.registration.head_landmarks import completed

        path = Path(self.file)
        if self.file == "open" or path.suffix == ".safetensors" or first_bytes(path, 9)[8:] == b"{":
            if self.kind is not None or self.with_ or self.landmarks is not None:
                what = "a head file is complete and takes no further files"
                fix = "leave out --kind, --with and --landmarks, or give the publisher's file"
                raise errors.UsageError("head_whole", what, self.file, fix)
            return heads.load(self.file)
        return completed(convert(path, self.kind, self.with_), self.landmarks)


def head_facts(head: "LinearHead") -> Facts:
    """Facts of a head model by name, as printed."""
    low, high = head.mean.min(0).values, head.mean.max(0).values
    origin = head.provenance
    return {
        "name": head.name,
        "model": origin.label,
        "license": head.license,
        "sha256": head.sha256,
        **{what.replace(" ", "_"): count for what, count in head_counts(head).items()},
        "size_mm": [round(MM_PER_M * float(side), 1) for side in high - low],
        **_unit_check(head),
        "regions": list(head.regions),
        "expressions": list(head.expression_names),
        "sources": [f"{source.name} {source.sha256}" for source in origin.sources],
        "notes": list(origin.notes),
    }


def print_facts(facts: Facts) -> None:
    """Print one fact per line, lists on one line, each note on a line of its own."""
    for name, value in facts.items():
        if name == "notes" and isinstance(value, list):
            for note in value:
                print(f"note: {note}")
            continue
        shown = " ".join(str(v) for v in value) if isinstance(value, list) else value
        print(f"{name.replace('_', ' ')}: {shown}")


def head_counts(head: "LinearHead") -> dict[str, int]:
    """Element counts of a head model by name."""
    return {
        "vertices": len(head.mean),
        "triangles": len(head.faces),
        "identity modes": len(head.identity),
        "expression shapes": len(head.expression),
        "albedo modes": len(head.albedo),
        "texture vertices": len(head.uv),
        "landmarks": int(head.landmark_known.sum()),
        "dense points": len(head.dense),
    }


def _unit_check(head: "LinearHead") -> Facts:
    """Distance between the outer eye corners, which reveals a wrong unit."""
    from headform.geometry.landmarks68 import OUTER_EYE_CORNERS, outer_eye_distance
    from headform.geometry.units import OUTER_EYES_M

    known = head.landmark_known
    if not bool(known[list(OUTER_EYE_CORNERS)].all()):
        return {"unit_check": "not possible without the landmarks of the outer eye corners"}
    points = head.landmarks(head.mean, offset=False).double().numpy()
    distance = MM_PER_M * outer_eye_distance(points)
    usual = MM_PER_M * OUTER_EYES_M
    low, high = _USUAL_RATIO
    verdict = "as on a head" if low < distance / usual < high else "NOT as on a head"
    return {
        "outer_eye_distance_mm": round(distance, 1),
        "unit_check": f"{verdict} (about {usual:.0f} mm)",
    }


def _draw(head: "LinearHead", path: Path) -> None:
    from headform.io import image_bytes
    from headform.io.atomic import write_bytes
    from headform.viz.model_sheets import model_sheet

    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        what = f"{path.name} is not a PNG or JPEG file"
        raise errors.UsageError("out_suffix", what, "-o", "name the picture like model.png")
    sheet = model_sheet(head)
    is_png = path.suffix.lower() == ".png"
    write_bytes(path, image_bytes.png(sheet) if is_png else image_bytes.jpeg(sheet))
