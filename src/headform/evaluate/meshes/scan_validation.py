"""Scan errors of predicted neutral heads while an encoder is trained: NoW's protocol, the true neutral head as the scan.

P people, V vertices.
"""

import numpy as np
from jaxtyping import Float, Float64

from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.protocol import PROTOCOLS
from headform.evaluate.scan.scan_error import CroppedScan, crop_scan, scan_error
from headform.geometry.units import MM_PER_M
from headform.heads.linear import LinearHead

KINDS = {"scan": False, "scan_metrical": True}
"""Names of the measures: with the scale free, as NoW's first table has it, and metrical."""


class ScanValidation:
    """Scan errors of heads of one topology.

    Args:
        head: Head model, with the seven landmarks of NoW.

    Raises:
        WeightsError: `head_lacks`, without those landmarks.
    """

    def __init__(self, head: LinearHead) -> None:
        head.require_fields("now7")
        self._faces, self._marks = head.faces.cpu().numpy(), head.now7.cpu().numpy()
        self._mean = head.mean.cpu().double().numpy()
        self._protocol = PROTOCOLS["corrected"]
        self._scans: list[CroppedScan] = []
        self._wanted: Float64[np.ndarray, "P V 3"] | None = None
        self._of_mean: dict[str, float] = {}

    def __call__(self, found: Float[np.ndarray, "P V 3"], wanted: Float[np.ndarray, "P V 3"]) -> dict[str, float]:
        """Measure predictions.

        Args:
            found: Predicted neutral heads, meters.
            wanted: True ones, meters.

        Returns:
            Median, mean and standard deviation of the distances of all people's scan vertices, millimeters, and the mean in
            per cent of the mean head's; each as of `KINDS`.

        Raises:
            InputError: what `crop_scan` and `scan_error` raise.
        """
        measures: dict[str, float] = {}
        for name, people in self.distances(found, wanted).items():
            distances = np.concatenate(people)
            measures |= {
                f"{name}_median_mm": float(np.median(distances)),
                f"{name}_mean_mm": float(distances.mean()),
                f"{name}_std_mm": float(distances.std()),
                f"{name}_percent_of_mean_head": 100 * float(distances.mean()) / self._of_mean[name],
            }
        return measures

    def distances(
        self, found: Float[np.ndarray, "P V 3"], wanted: Float[np.ndarray, "P V 3"]
    ) -> dict[str, list[Float64[np.ndarray, " N"]]]:
        """Return the distances of each person's scan vertices from the prediction, millimeters, each as of `KINDS`."""
        wanted = np.asarray(wanted, np.float64)
        if self._wanted is None or not np.array_equal(wanted, self._wanted):  # the same in every validation of a run
            self._wanted, scans = wanted, MM_PER_M * wanted
            self._scans = [
                crop_scan(Surface(scan, self._faces, "held-out head"), scan[self._marks], self._protocol)
                for scan in scans
            ]
            means = self._measured(np.broadcast_to(self._mean, wanted.shape))
            self._of_mean = {name: float(np.concatenate(people).mean()) for name, people in means.items()}
        return self._measured(np.asarray(found, np.float64))

    def _measured(self, heads: Float64[np.ndarray, "P V 3"]) -> dict[str, list[Float64[np.ndarray, " N"]]]:
        return {
            name: [
                scan_error(
                    scan,
                    Surface(own, self._faces),
                    own[self._marks],
                    protocol=self._protocol,
                    unit="m",
                    metrical=metrical,
                ).distances
                for scan, own in zip(self._scans, heads, strict=True)
            ]
            for name, metrical in KINDS.items()
        }
