"""`headform evaluate contours`: lids, lips, brows and jaw against hand-placed contours."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from headform import errors


@dataclass(frozen=True)
class Contours:
    """How far lids, lips, brows and jaw lie from hand-placed curves, and the height of the gap between the lips.

    Per cent of the distance of the pupils; the 189-point scheme of the London and Canadian face sets. Faces must be upright.
    """

    predictions: Path
    """What `headform reconstruct` wrote, or a folder of STEM.pts, or a JSON list like that of `evaluate landmarks`."""
    truth: Path
    """JSON whose `faces` hold `file` and 189 `points` (pixels from the first pixel's center), beside the photos."""
    allow_missing: bool = False
    """Average over the faces that were found; without it a face without prediction is an error."""
    picture: Annotated[Path | None, arg(aliases=("-o",))] = None
    """Also draw found points and true curves on the photos, the worst faces first (.png)."""
    json: Path | None = None
    """Also write every face's errors here."""

    def run(self) -> int:
        """Print the table."""
        from headform.data.contours import read_contours
        from headform.evaluate.landmarks68.contours import evaluate_contours, to_markdown
        from headform.evaluate.landmarks68.landmark_files import read_predictions
        from headform.io.atomic import check_place, write_bytes

        check_place(self.json)
        check_place(self.picture)
        truth = read_contours(self.truth)
        found = read_predictions(self.predictions, [face.photo for face in truth])
        table = evaluate_contours(found, truth)
        if not self.allow_missing:
            table.require_complete()
        print(to_markdown({self.predictions.name: table}), end="")
        if self.picture is not None:
            from headform.evaluate.landmarks68.contours_picture import draw_worst
            from headform.io.image_bytes import png

            sheet = draw_worst(table, truth, self.truth.parent)
            write_bytes(self.picture, png(sheet))
        if self.json is not None:
            write_bytes(self.json, table.to_json().encode())
        return errors.SUCCESS
