"""`headform evaluate scan`: compare one scan with one predicted head."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from headform import errors
from headform.geometry.units import MeshUnit


@dataclass(frozen=True)
class Scan:
    """Measure the distance of a predicted head from a scan, in millimeters.

    Protocols: official (NoW as its evaluator computes it), corrected (NoW without its two faults), fg2018 (Stirling/ESRC,
    RMSE) and florence (a documented variant for MICC Florence, RMSE). See headform.evaluate.scan.protocol.
    """

    scan: Path
    """Neutral scan, OBJ or PLY, in millimeters."""
    scan_landmarks: Path
    """Landmarks on the scan: 7 (NoW), 68 (iBUG) or 51 (iBUG without the jaw) points of a .pp, .npy, .txt, .lnd or .json."""
    prediction: Path
    """Neutral head, OBJ or PLY."""
    prediction_landmarks: Path
    """Landmarks on the head, in its frame and unit, in the same forms."""
    unit: MeshUnit
    """Unit of the prediction."""
    metrical: bool = False
    """Keep the size of the prediction; by default a scale is fitted."""
    protocol: Literal["official", "corrected", "fg2018", "florence"] = "official"
    """Evaluation protocol: region of the scan, alignment and distance."""
    json: Path | None = None
    """Also write the numbers to this file."""
    picture: Path | None = None
    """Also draw scan, aligned head and errors to this PNG file."""

    def run(self) -> int:
        """Print the numbers."""
        from headform.evaluate.scan.face_regions import errors_by_region, map_face
        from headform.evaluate.scan.landmark7_files import read_landmarks7
        from headform.evaluate.scan.mesh_files import read_surface
        from headform.evaluate.scan.protocol import PROTOCOLS
        from headform.evaluate.scan.report import scan_json, scan_text
        from headform.evaluate.scan.scan_error import crop_scan, scan_error
        from headform.io.atomic import check_place, remove_old, write_bytes

        check_place(self.json)
        check_place(self.picture)
        remove_old(self.json, self.picture)
        protocol = PROTOCOLS[self.protocol]
        scan = read_surface(self.scan, require_faces=False)
        cropped = crop_scan(scan, read_landmarks7(self.scan_landmarks), protocol)
        prediction = read_surface(self.prediction)
        found = scan_error(
            cropped,
            prediction,
            read_landmarks7(self.prediction_landmarks),
            protocol=protocol,
            unit=self.unit,
            metrical=self.metrical,
        )
        regions = errors_by_region(map_face(cropped.points, cropped.landmarks).region, found.distances)
        print(scan_text(found, protocol, metrical=self.metrical, regions=regions), end="")
        if self.json is not None:
            text = scan_json(found, protocol, unit=self.unit, metrical=self.metrical, regions=regions)
            write_bytes(self.json, text.encode())
        if self.picture is not None:
            from headform.evaluate.scan.error_maps import draw_scan_error
            from headform.io.image_bytes import png

            write_bytes(self.picture, png(draw_scan_error(scan, cropped, prediction, found)))
        return errors.SUCCESS
