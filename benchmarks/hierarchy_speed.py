"""Seconds to coarsen a mesh four times by four, with all operators, on one core.

    python -m benchmarks.hierarchy_speed

The first build of a process includes what is compiled then (or read from numba's cache).
"""

import time
from dataclasses import dataclass
from typing import get_args

import tyro

from benchmarks.environment import describe
from benchmarks.graph_speed import face_surface, open_head
from headform.mesh.hierarchy import Rule, build_hierarchy


@dataclass(frozen=True)
class Arguments:
    """Build hierarchies."""

    repeats: int = 2


def main(arguments: Arguments) -> None:
    """Print a table."""
    print("| mesh | rule | levels | build | seconds | seconds of processor |")
    print("|---|---|---|---|---|---|")
    for name, (points, faces) in (("open head", open_head()), ("face surface", face_surface())):
        for rule in get_args(Rule):
            for number in range(arguments.repeats):
                wall, own = time.perf_counter(), time.process_time()
                levels = build_hierarchy(points, faces, rule=rule)
                wall, own = time.perf_counter() - wall, time.process_time() - own
                counts = " ".join(f"{count:,}" for count in levels.counts)
                print(f"| {name} | {rule} | {counts} | {number + 1} | {wall:.2f} | {own:.2f} |")
    print(f"\n{describe()}")


if __name__ == "__main__":
    main(tyro.cli(Arguments))
