"""Light of synthetic pictures: the camera's white balance."""

from dataclasses import replace

import numpy as np

from headform.synth.panoramas import load_environments
from headform.synth.randomization import FULL
from headform.synth.scene_light import sample_scene_light


def test_a_full_white_balance_makes_the_light_on_the_face_nearly_gray() -> None:
    environments = load_environments()
    config = replace(FULL.scene_light, panorama_rate=1.0, flash_rate=0.0, fill=(0.0, 0.0))
    casts = {}
    for share in (0.0, 1.0):
        own = replace(config, white_balance=(share, share))
        spread = []
        for seed in range(40):
            lamps = sample_scene_light(np.random.default_rng(seed), environments, own, FULL.light).lamps
            # the irradiance of a surface that looks at the lens
            face = lamps.ambient[0] - lamps.ambient[2] + 2 * lamps.ambient[6]
            face = face + np.maximum(-lamps.directions[:, 2], 0) @ lamps.colors
            spread.append(float(np.ptp(face) / face.mean()))
        casts[share] = np.array(spread)
    assert np.median(casts[0.0]) > 0.25
    assert np.median(casts[1.0]) < 0.12
    assert (casts[1.0] < casts[0.0] + 0.02).mean() > 0.85
