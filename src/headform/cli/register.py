"""`headform register`: scans brought into the topology of a head."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from headform import errors
from headform.geometry.units import InputUnit


@dataclass(frozen=True)
class Register:
    """Register scans: fit the head model, then bend its own vertices onto each scan (non-rigid ICP).

    Each scan gets a folder: registered (frame and unit of the scan), registered_head (meters, head frame),
    coefficients.safetensors of the model fit, register.json with the distances in mm, register.png beside the scan, and
    errors.png. A second run continues where the first ended.
    """

    scans: Positional[tuple[Path, ...]]
    """OBJ or PLY files, or folders of them, searched to any depth."""
    out: Annotated[Path, arg(aliases=("-o",))] = Path("registered")
    """Output folder; a scan in a folder is named by its path there."""
    head: str = "open"
    """Head whose vertices are wanted: a head file, or the name open."""
    head_landmarks: Path | None = None
    """Landmarks of the head, if it has none: points on its mean head, or vertex numbers. Derived by default."""
    landmarks: Path | None = None
    """Landmarks of a single scan, or a folder with a file for each scan: 7 (NoW), 51 or 68 (iBUG) points. By default a file
    of the scan's stem beside it (.pp .lnd .npy .txt .csv .json), or else found on pictures of the scan."""
    texture: Path | None = None
    """Texture image of a single scan; by default the image of the same name beside it."""
    unit: InputUnit = "auto"
    """Unit of the scans; `auto` infers it from the inter-ocular distance."""
    scale: Literal["auto", "fixed", "free"] = "auto"
    """Keep the size of the scan (`fixed`) or fit a scale (`free`); `auto` keeps it unless its unit is unknown."""
    region: Literal["head", "face"] = "head"
    """Region that follows the scan; `face` leaves the rest to the model, for scans that show hair."""
    neutral: bool = False
    """Start from identity only, without expression."""
    format: Literal["obj", "ply"] = "obj"
    """Output mesh format."""
    workers: int = 1
    """Number of processes; the results do not depend on it."""

    def run(self) -> int:
        """Register all scans and print a line for each."""
        from headform.cli.message import error_line
        from headform.cli.scan_batch import MANIFEST, list_jobs, manifest, run_jobs
        from headform.cli.scan_job import ScanOptions, ScanOutcome
        from headform.io.atomic import write_bytes
        from headform.io.folder_lock import FolderLock
        from headform.io.progress import BatchProgress

        self._check()
        options = ScanOptions(
            self.head, self.head_landmarks, self.region, self.unit, self.scale, self.neutral, self.format
        )
        jobs = list_jobs(self.scans, self.out, options, landmarks=self.landmarks, texture=self.texture)
        with FolderLock(self.out), BatchProgress(len(jobs)) as progress:

            def done(outcome: ScanOutcome) -> None:
                if outcome.error is not None:
                    progress.end(f"{outcome.name}: {error_line(outcome.error)}", failed=True)
                else:
                    progress.end(f"{outcome.name}: {outcome.line} [{outcome.seconds:.1f} s]")

            outcomes = run_jobs(jobs, self.workers, done)
            write_bytes(self.out / MANIFEST, manifest(outcomes))
        failed = [outcome.error for outcome in outcomes if outcome.error is not None]
        if not failed:
            return errors.SUCCESS
        return failed[0].exit_code if len(jobs) == 1 else errors.PARTIAL

    def _check(self) -> None:
        if not self.scans:
            raise errors.UsageError("scans_missing", "no scans are given", "", "name files or folders")
        if self.workers < 1:
            raise errors.UsageError("workers_invalid", f"--workers is {self.workers}", "", "use 1 or more")
