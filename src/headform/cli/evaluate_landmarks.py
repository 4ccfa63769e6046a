"""`headform evaluate landmarks`: 68 points and head pose against annotations."""

from dataclasses import dataclass
from pathlib import Path

from headform import errors


@dataclass(frozen=True)
class Landmarks:
    """Measure 68-point errors and head pose against annotated photos, by data set, normalization, yaw and pose.

    Reconstruct the photos with `--people all` first: a photo may show several annotated faces.
    """

    predictions: Path
    """Output folder of `headform reconstruct`, folder of STEM.pts files, or JSON list as for --annotations."""
    annotations: tuple[Path, ...]
    """JSON list (file, set, points68 in pixels with the origin at the first pixel's center; optionally pose, rotation and
    ground_truth), .pts, dlib .xml, .mat of 300W-LP and AFLW2000-3D, landmarks.json; or folders of such files."""
    reannotated: Path | None = None
    """3DDFA's array of re-annotated AFLW2000-3D points, used instead of the points in the .mat files of --annotations."""
    allow_missing: bool = False
    """Average over the detected faces; by default a face without a prediction is an error."""
    json: Path | None = None
    """Also write the errors of every face to this file."""

    def run(self) -> int:
        """Print the tables."""
        from headform.evaluate.landmarks68.landmark_details import details_markdown
        from headform.evaluate.landmarks68.landmark_files import read_annotations
        from headform.evaluate.landmarks68.landmarks import evaluate_against
        from headform.evaluate.landmarks68.reannotation import reannotated
        from headform.io.atomic import check_place, write_bytes

        if not self.annotations:
            what = "no annotations are given"
            raise errors.UsageError("annotations_missing", what, "", "name files or folders after --annotations")
        check_place(self.json)
        annotations = read_annotations(*self.annotations)
        if self.reannotated is not None:
            annotations = reannotated(annotations, self.reannotated)
        table = evaluate_against(self.predictions, annotations)
        if not self.allow_missing:
            table.require_complete()
        print(table.to_markdown())
        print(details_markdown(table.scores), end="")
        if self.json is not None:
            write_bytes(self.json, table.to_json().encode())
        return errors.SUCCESS
