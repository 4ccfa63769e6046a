"""Seconds per image of the NoW protocol on a real scan (21,890 vertices after the crop) and a head of 5,023 vertices.

    python -m benchmarks.now_speed [--data DIR]

On one core, files read beforehand; the fastest and the middle of several runs. Beside them what the original solver took
with a replaced closest-point kernel, on a like machine.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tyro

from benchmarks.environment import default_data, describe
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.protocol import PROTOCOLS
from headform.evaluate.scan.scan_error import crop_scan, scan_error

ORIGINAL = {False: 2.0, True: 10.0}


@dataclass(frozen=True)
class Arguments:
    """Evaluate one pair again and again."""

    data: Path = field(default_factory=default_data)
    repeats: int = 7


def main(arguments: Arguments) -> None:
    """Print a table."""
    path = arguments.data / "now_golden" / "fixture.npz"
    if not path.is_file():
        print(f"no {path}: nothing is measured")
        return
    with np.load(path) as z:
        scan = Surface(z["scan_vertices"], z["scan_faces"].astype(np.int64), "scan")
        head = Surface(z["predicted_vertices"], z["predicted_faces"].astype(np.int64), "head")
        marks = z["scan_landmarks"].astype(np.float64), z["predicted_landmarks"]
    print("| protocol | mode | iterations | median mm | fastest s | middle s | original s |")
    print("|---|---|---|---|---|---|---|")
    for name in ("official", "corrected"):
        protocol = PROTOCOLS[name]
        for metrical in (False, True):
            taken = []
            for _ in range(arguments.repeats + 1):
                begin = time.perf_counter()
                cut = crop_scan(scan, marks[0], protocol)
                found = scan_error(cut, head, marks[1], protocol=protocol, unit="m", metrical=metrical)
                taken.append(time.perf_counter() - begin)
            taken = taken[1:]  # the first one compiles
            mode = "metrical" if metrical else "non-metrical"
            times = f"{min(taken):.2f} | {np.median(taken):.2f} | {ORIGINAL[metrical]:.1f}"
            print(f"| {name} | {mode} | {found.iterations} | {found.median:.9f} | {times} |")
    print(f"\n{describe()}")


if __name__ == "__main__":
    main(tyro.cli(Arguments))
