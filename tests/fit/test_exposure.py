"""Light on a face and brightness of its skin, told apart."""

import numpy as np
import pytest

from headform.fit.exposure import TEETH, LightGauges, exposure_of

Y = np.array([0.2126, 0.7152, 0.0722])
FAIR, DARK = np.array([0.62, 0.39, 0.31]), np.array([0.085, 0.05, 0.038])


def albedo(face: np.ndarray, gauges: LightGauges | None = None) -> float:
    return float((face / exposure_of(face, gauges)) @ Y)


def test_skins_keep_their_order_and_most_of_their_distance() -> None:
    tones = [albedo(face) for face in np.geomspace(DARK, FAIR, 6)]
    assert tones == sorted(tones)
    assert 3 < tones[-1] / tones[0] < (FAIR @ Y) / (DARK @ Y)
    assert 0.05 < tones[0] < 0.12
    assert 0.3 < tones[-1] < 0.5


@pytest.mark.parametrize("light", [0.4, 2.0])
def test_teeth_tell_the_light(light: float) -> None:
    face = 0.6 * light * FAIR
    teeth = LightGauges(teeth=np.full(3, TEETH) * light)
    truth = 0.6 * float(FAIR @ Y)
    share = 0.5 if light > 1 else 0.85  # dim teeth may be in the shade of the lips
    assert abs(np.log(albedo(face, teeth) / truth)) < share * abs(np.log(albedo(face) / truth))


def test_a_dim_white_of_the_eye_says_that_the_light_is_dim() -> None:
    assert albedo(DARK, LightGauges(white=np.full(3, 0.05))) > albedo(DARK)


def test_half_of_a_tint_is_the_lights() -> None:
    tungsten = FAIR * [1.6, 1.0, 0.5]
    light = exposure_of(tungsten) / exposure_of(FAIR)
    assert light[0] / light[1] == pytest.approx(1.6**0.5, rel=1e-3)
    assert light[2] / light[1] == pytest.approx(0.5**0.5, rel=1e-3)
