"""Synthetic people photographed several times each, as training samples.

Person i is a function of the seed and i alone, however many processes render and whatever was rendered before.

    s<seed>.json    distribution and head of the people of this seed: later runs must have the same
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from headform.data.sample import Sample
from headform.data.shards import ShardWriter
from headform.errors import InputError
from headform.geometry.landmarks68 import JAW
from headform.heads.linear import LinearHead
from headform.images.transfer import srgb_from_linear
from headform.io.atomic import write_bytes
from headform.io.json_file import read_json
from headform.synth.generator import Generator
from headform.synth.people import sample_person
from headform.synth.randomization import FULL, PRESETS, RandomizationConfig

SOURCE = "synthetic"
"""Name of the data set in the samples."""
_SAME_COLORING_RATE = 0.8
"""Share of people whose skin, eyes and brows are the same in all their photos; the rest make shape the only thing that
stays."""
_LARGEST_PLAN = 4096
"""Largest file of a plan, bytes."""


@dataclass(frozen=True)
class SyntheticPeople:
    """Plan of a set of people.

    Attributes:
        people: number of people.
        photos: photos of each person.
        size: side of the pictures, pixels.
        seed: seed of everything; training and judging use different ones.
        randomization: distribution of people and photos.
        albedo: the samples hold the true colors of each head.
    """

    people: int
    photos: int = 2
    size: int = 224
    seed: int = 0
    randomization: RandomizationConfig = FULL
    albedo: bool = False


def photograph_person(generator: Generator, plan: SyntheticPeople, number: int) -> list[Sample]:
    """Render the photos of one person.

    Args:
        generator: Generator of the plan's size and randomization, with colors if the plan asks for them.
        plan: Plan.
        number: Number of the person.
    """
    head = generator.head
    rng = np.random.default_rng((plan.seed, number))
    names, modes = head.expression_names, len(head.identity)
    poses = [sample_person(rng, plan.randomization, names, modes) for _ in range(plan.photos)]
    people = [replace(pose, identity=poses[0].identity) for pose in poses]
    seeds = [int(s) for s in rng.integers(2**31, size=plan.photos)]
    if rng.random() < _SAME_COLORING_RATE:
        seeds = seeds[:1] * plan.photos
    batch = generator.photograph(rng, people, seeds)
    label = f"person{number:07d}"
    return [
        Sample(
            name=f"s{plan.seed}-{label}-{k}",
            subject=f"s{plan.seed}-{label}",
            image=batch.images[k],
            points68=_annotated(batch.points[k, :68]),
            skin=batch.skin[k],
            coefficients={
                "identity": batch.identity[k],
                "expression": batch.expression[k],
                "rotation": batch.rotation[k].reshape(-1),
            },
            head=head.sha256,
            source=SOURCE,
            albedo=None if batch.albedo is None else _bytes(batch.albedo[k]),
        )
        for k in range(plan.photos)
    ]


def _bytes(linear: Float32[np.ndarray, "V 3"]) -> UInt8[np.ndarray, "V 3"]:
    """Return linear RGB as 8-bit sRGB."""
    return np.asarray((255 * srgb_from_linear(torch.from_numpy(linear))).round().to(torch.uint8).numpy())


def _annotated(points: Float32[np.ndarray, "68 2"]) -> Float32[np.ndarray, "68 2"]:
    """Return the points that annotators would place: the jaw is unknown, they mark its outline and not its surface."""
    marks = points.copy()
    marks[JAW] = np.nan
    return marks


def write_people(
    head: LinearHead,
    folder: Path,
    plan: SyntheticPeople,
    *,
    part: int = 0,
    parts: int = 1,
    done: Callable[[int], None] | None = None,
) -> int:
    """Write the people of one part that are not in the folder yet, and return their number.

    Args:
        head: Head model of the people.
        folder: Folder of shards.
        plan: Plan.
        part: Number of this process: it renders the people whose number leaves this remainder.
        parts: Number of processes that render at once.
        done: Called with the number of each person that is written.

    Raises:
        InputError: `dataset_exists`, also where people of this seed are there with another distribution or head, or
            without the albedo that the plan asks for.
        ResourceError: `write_failed`, `folder_in_use`.
    """
    count = 0
    with ShardWriter(folder, size=plan.size, prefix=f"s{plan.seed}-part{part}of{parts}-") as writer:
        _check_plan(head, folder, plan)
        generator = Generator(head, size=plan.size, randomization=plan.randomization, albedo=plan.albedo)
        for number in _missing(writer.names, plan, part, parts):
            for sample in photograph_person(generator, plan, number):
                if sample.name not in writer.names:
                    writer.add(sample)
            count += 1
            if done is not None:
                done(number)
    return count


def _missing(names: set[str], plan: SyntheticPeople, part: int, parts: int) -> Iterator[int]:
    """Iterate over the people of a part with a photo that is not there."""
    present = frozenset(names)
    for number in range(part, plan.people, parts):
        if any(f"s{plan.seed}-person{number:07d}-{k}" not in present for k in range(plan.photos)):
            yield number


def _check_plan(head: LinearHead, folder: Path, plan: SyntheticPeople) -> None:
    """Compare a plan with that of the people of its seed who are in the folder; keep it where there are none."""
    place = folder / f"s{plan.seed}.json"
    text = json.dumps(asdict(plan.randomization), sort_keys=True)
    preset = next((name for name, config in PRESETS.items() if config == plan.randomization), "")
    own: dict[str, str | bool] = {
        "preset": preset,
        "randomization": hashlib.sha256(text.encode()).hexdigest(),
        "head": head.sha256,
        "albedo": plan.albedo,
    }
    if not place.exists():  # several processes write the same
        write_bytes(place, json.dumps(own, indent=1).encode() + b"\n")
        return
    try:
        found = dict(read_json(place, _LARGEST_PLAN))
    except (OSError, ValueError, TypeError) as error:
        what = f"the plan of the people of seed {plan.seed} cannot be read: {error}"
        raise InputError("dataset_damaged", what[:200], ascii(str(place)), "use another folder") from error
    if found.get("albedo", False) != plan.albedo:
        what = f"the samples of seed {plan.seed} here were written {'without' if plan.albedo else 'with'} albedo"
        raise InputError("dataset_exists", what, ascii(str(folder)), "use another seed or another folder")
    if any(found.get(name) != own[name] for name in ("randomization", "head")):
        theirs = found.get("preset") or "changed by hand"
        what = f"the people of seed {plan.seed} here were drawn otherwise (preset {theirs!s:.40}, or another version)"
        raise InputError(
            "dataset_exists", what, ascii(str(folder)), "use the same preset, another seed or another folder"
        )
