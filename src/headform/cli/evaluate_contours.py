"""`headform evaluate contours`: lids, lips, brows and jaw against hand-placed contours."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from headform import errors


@dataclass(frozen=True)
class Contours:
    """Measure the distances of lids, lips, brows and jaw from hand-placed curves, and the height of the lip gap.

    Numbers are in per cent of the distance between the pupils. The curves follow the 189-point scheme of the London and
    Canadian face sets. Faces must be upright.
    """

    predictions: Path
    """Output folder of `headform reconstruct`, folder of STEM.pts files, or JSON list as for `evaluate landmarks`."""
    annotations: Path
    """JSON file beside the photos; its `faces` hold `file` and 189 `points` (pixels, origin at the first pixel's center)."""
    allow_missing: bool = False
    """Average over the detected faces; by default a face without a prediction is an error."""
    picture: Annotated[Path | None, arg(aliases=("-o",))] = None
    """Also draw predicted points and annotated curves on the photos, largest errors first (.png)."""
    json: Path | None = None
    """Also write the errors of every face to this file."""

    def run(self) -> int:
        """Print the table."""
        from headform.data.contours import read_contours
        from headform.evaluate.landmarks68.contours import evaluate_contours, to_markdown
        from headform.evaluate.landmarks68.landmark_files import read_predictions
        from headform.io.atomic import check_place, write_bytes

        check_place(self.json)
        check_place(self.picture)
        annotations = read_contours(self.annotations)
        found = read_predictions(self.predictions, [face.photo for face in annotations])
        table = evaluate_contours(found, annotations)
        if not self.allow_missing:
            table.require_complete()
        print(to_markdown({self.predictions.name: table}), end="")
        if self.picture is not None:
            from headform.evaluate.landmarks68.contours_picture import draw_worst
            from headform.io.image_bytes import png

            sheet = draw_worst(table, annotations, self.annotations.parent)
            write_bytes(self.picture, png(sheet))
        if self.json is not None:
            write_bytes(self.json, table.to_json().encode())
        return errors.SUCCESS
