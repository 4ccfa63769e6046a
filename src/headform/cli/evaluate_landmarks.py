"""`headform evaluate landmarks`: 68 points and head pose against annotations."""

from dataclasses import dataclass
from pathlib import Path

from headform import errors


@dataclass(frozen=True)
class Landmarks:
    """The 68-point error and the pose of a result folder on annotated photos, by set, size, yaw and pose.

    Reconstruct the photos with `--faces all` first, for one photo may show several annotated faces.
    """

    predictions: Path
    """What `headform reconstruct` wrote, or a folder of STEM.pts, or a JSON list like that of --truth."""
    truth: tuple[Path, ...]
    """JSON list (file, set, points68 in pixels from the first pixel's center; pose, rotation, ground_truth if known), .pts,
    dlib's .xml, .mat of 300W-LP and AFLW2000-3D, landmarks.json; or folders of them."""
    reannotated: Path | None = None
    """3DDFA's array of AFLW2000-3D's re-annotated points, in place of the points of the .mat files in --truth."""
    allow_missing: bool = False
    """Average over the faces that were found; without it a face without prediction is an error."""
    json: Path | None = None
    """Also write every face's error here."""

    def run(self) -> int:
        """Print the tables."""
        from headform.evaluate.landmarks68.landmark_details import details_markdown
        from headform.evaluate.landmarks68.landmark_files import read_annotations
        from headform.evaluate.landmarks68.landmarks import evaluate_against
        from headform.evaluate.landmarks68.reannotation import reannotated
        from headform.io.atomic import check_place, write_bytes

        if not self.truth:
            what = "--truth names nothing"
            raise errors.UsageError("truth_missing", what, "", "name annotations")
        check_place(self.json)
        truth = read_annotations(*self.truth)
        if self.reannotated is not None:
            truth = reannotated(truth, self.reannotated)
        table = evaluate_against(self.predictions, truth)
        if not self.allow_missing:
            table.require_complete()
        print(table.to_markdown())
        print(details_markdown(table.scores), end="")
        if self.json is not None:
            write_bytes(self.json, table.to_json().encode())
        return errors.SUCCESS
