"""`headform evaluate`: results against truths.

No arrays here, hence no letters.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from headform import errors


@dataclass(frozen=True)
class Evaluate:
    """Measure results against truths.

    landmarks: the 68-point error of a result folder on annotated photos, by set. Reconstruct the
    photos with `--faces all` first, for one photo may show several annotated faces.
    """

    what: Positional[Literal["landmarks"]]
    """The measure."""
    predictions: Path
    """What `headform reconstruct` wrote."""
    truth: Path
    """Annotations: a JSON list of file, set, points68 (pixels from the first pixel's centre)."""
    json: Path | None = None
    """Also write every face's error here."""

    def run(self) -> int:
        """Print the table."""
        from headform.evaluate.landmarks import evaluate_folder
        from headform.weights.atomic import write_bytes

        table = evaluate_folder(self.predictions, self.truth)
        print(table.to_markdown(), end="")
        if self.json is not None:
            write_bytes(self.json, table.to_json().encode())
        return errors.SUCCESS
