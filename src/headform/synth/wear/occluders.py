"""Choice of what covers a face."""

import numpy as np

from headform.synth.piece import Piece
from headform.synth.randomization.occluders import OccluderRandomization
from headform.synth.wear.cloth import pick
from headform.synth.wear.gestures import gesture
from headform.synth.wear.masks import mask, scarf
from headform.synth.wear.objects import bars, cigarette, cup, leaves, microphone, neighbor, phone, sheet
from headform.synth.wear.skull import Skull
from headform.synth.wear.torso import Torso

_MAKERS = {
    "hand": gesture,
    "mask": mask,
    "microphone": microphone,
    "phone": phone,
    "cup": cup,
    "cigarette": cigarette,
    "sheet": sheet,
    "bars": bars,
    "leaves": leaves,
    "neighbor": neighbor,
}


def occluders(rng: np.random.Generator, skull: Skull, torso: Torso, config: OccluderRandomization) -> list[Piece]:
    """Make one thing that covers a part of the face, seldom two of different kinds."""
    first = pick(rng, config.kinds)
    names = [first]
    if rng.random() < config.second_rate:
        names.append(pick(rng, tuple((name, rate) for name, rate in config.kinds if name != first)))
    pieces = []
    for name in names:
        pieces += scarf(rng, skull, torso, config) if name == "scarf" else _MAKERS[name](rng, skull, config)
    return pieces
