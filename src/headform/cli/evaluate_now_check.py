"""`headform evaluate now-check`: validate a submission to the NoW benchmark."""

from dataclasses import dataclass
from pathlib import Path

from headform import errors
from headform.geometry.units import MeshUnit
from headform.io.progress import BatchProgress


@dataclass(frozen=True)
class NowCheck:
    """Check that every image has a neutral mesh with seven landmarks that can be evaluated, without evaluating it.

    The exit code is 7 when a prediction is missing or unusable or the units are mixed, and 0 when there are only warnings.
    """

    dataset: Path
    """Data set (the test set without scans will do) or its list of images."""
    predictions: Path
    """Folder of SUBJECT/CHALLENGE/IMAGE.obj or .ply, each with 7 or 68 landmarks in a .npy or .txt beside it."""
    unit: MeshUnit | None = None
    """Unit of the predictions."""
    json: Path | None = None
    """Also write the findings to this file."""

    def run(self) -> int:
        """Print counts and problems."""
        from headform.evaluate.now.check import check_submission
        from headform.evaluate.now.layout import read_images
        from headform.evaluate.now.record import Record
        from headform.io.atomic import check_place, remove_old, write_bytes

        check_place(self.json)
        remove_old(self.json)
        with BatchProgress(len(read_images(self.dataset)), quiet=True) as progress:

            def done(record: Record) -> None:
                progress.end(record.image.name)

            found = check_submission(self.dataset, self.predictions, unit=self.unit, done=done)
        print(found.to_text(), end="")
        if self.json is not None:
            write_bytes(self.json, found.to_json().encode())
        return errors.SUCCESS if found.usable else errors.PARTIAL
