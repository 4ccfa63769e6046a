"""Expressions of synthetic faces: blendshape weights, contact of lips and lids, gaze.

E expressions.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from headform.synth.randomization import BlendshapeGroup, ExpressionRandomization, NamedExpression

SIDES = ("Right", "Left")  # the subject's
_LOWER_FACE = ("mouth", "jaw", "cheekPuff", "noseSneer")
"""Beginnings of the names of blendshapes of the lower half of the face."""


@dataclass(frozen=True)
class Expression:
    """Expression of one synthetic face.

    Attributes:
        weights: Weights of the blendshapes, 0..1, in the order of the head's expression names.
        gaze: Yaw (to the subject's left) and pitch (up) of both eyes, radians.
        mouth_closed: True where the lips touch from corner to corner.
        lip_gap: Least gap in the middle of another mouth, meters.
        lip_gap_width: Share of the mouth's width over which that gap closes to the sides.
        lip_share: Share of the movement to that gap that the upper lip makes.
        eyes_closed: True where the lids touch, right and left.
        lid_share: Share of the closing movement that the upper lids make.
    """

    weights: Float[np.ndarray, " E"]
    gaze: Float[np.ndarray, "2"]
    mouth_closed: bool
    lip_gap: float
    lip_gap_width: float
    lip_share: float
    eyes_closed: Bool[np.ndarray, "2"]
    lid_share: float


def sample_expression(
    rng: np.random.Generator,
    names: tuple[str, ...],
    config: ExpressionRandomization,
    camera: Float[np.ndarray, "3"] | None = None,
) -> Expression:
    """Draw an expression.

    Args:
        rng: Source of chance.
        names: Names of the blendshapes.
        config: Probabilities and ranges.
        camera: Direction from the face to the camera in the head's frame; without it no eyes look there.
    """
    mixture = _Mixture(rng, names, config)
    closed_mouth = bool(rng.random() < config.closed_mouth_rate)
    held = closed_mouth or bool(rng.random() < config.parted_rate)
    gap, width = rng.uniform(*config.parted), rng.uniform(*config.parted_width)
    lip_share, lid_share = rng.uniform(*config.lip_share), rng.uniform(*config.upper_lid_share)
    closed_eyes = np.zeros(2, np.bool_)
    gaze = np.zeros(2, np.float32)
    if rng.random() < config.rate:
        mixture.add_main(closed_mouth, held)
        any(mixture.add_groups((group,)) for group in config.brow_groups)
        mixture.add_groups(config.mouth_groups)
        closed_eyes = mixture.add_lids()
        if rng.random() < config.gaze_rate:
            gaze = _sample_gaze(rng, config, camera)
            mixture.follow_gaze(*(gaze / np.array(config.gaze_full, np.float32)).tolist())
        if held:
            mixture.hold_mouth()
        mixture.balance(closed_eyes)
    return Expression(
        weights=np.clip(mixture.weights, 0, 1),
        gaze=gaze,
        mouth_closed=closed_mouth,
        lip_gap=float(gap),
        lip_gap_width=float(width),
        lip_share=float(lip_share),
        eyes_closed=closed_eyes,
        lid_share=float(lid_share),
    )


def _sample_gaze(
    rng: np.random.Generator, config: ExpressionRandomization, camera: Float[np.ndarray, "3"] | None
) -> Float[np.ndarray, "2"]:
    """Draw yaw and pitch of the eyes, radians."""
    at_camera = rng.random() < config.camera_gaze_rate
    gaze = np.array([rng.normal(0, sd) for sd in config.gaze_sd])
    if at_camera and camera is not None:
        x, y, z = camera / np.linalg.norm(camera)
        gaze = np.array([np.arctan2(x, max(z, 1e-6)), np.arcsin(y)]) + rng.normal(0, config.camera_gaze_sd, 2)
    limit = np.array(config.gaze_limit)
    return np.clip(gaze, -limit, limit).astype(np.float32)


class _Mixture:
    """Blendshape weights while they are added up."""

    def __init__(self, rng: np.random.Generator, names: tuple[str, ...], config: ExpressionRandomization) -> None:
        self.weights = np.zeros(len(names), np.float32)
        self._rng, self._names, self._config = rng, names, config
        self._index = {n: i for i, n in enumerate(names)}

    def add(self, name: str, weight: float, *, sides: tuple[str, ...] = SIDES, sd: float | None = None) -> None:
        """Add a blendshape or, if `name` is no blendshape, those with this stem, whose sides differ by `sd`."""
        if name in self._index:
            self.weights[self._index[name]] += weight
            return
        sd = self._config.asymmetry_sd if sd is None else sd
        for side in sides:
            self.weights[self._index[name + side]] += weight * max(0.0, 1 + self._rng.normal(0, sd))

    def add_groups(
        self, groups: tuple[BlendshapeGroup, ...], *, scale: float = 1.0, sides: tuple[str, ...] = SIDES
    ) -> bool:
        """Add each group with its probability; return whether the last one was added."""
        added = False
        for group in groups:
            added = bool(self._rng.random() < group.rate)
            if added:
                for name, weight in group.weights:
                    self.add(name, scale * self._rng.uniform(*weight), sides=sides)
        return added

    def add_main(self, closed_mouth: bool, held: bool) -> None:
        """Add one main expression at most."""
        config, rng = self._config, self._rng
        rates = (
            config.mild_smile_rate, config.smile_rate, config.open_mouth_rate, config.strong_rate, config.single_rate,
        )  # fmt: skip
        kind = _choose(rng, rates)
        if kind == 0 or (kind == 2 and held):
            self._smile(rng.uniform(*config.mild_smile))
        elif kind == 1:
            self._smile(rng.uniform(*config.smile))
            self.add_groups(config.smile_groups)
        elif kind == 2:
            self.add_groups(config.open_mouth_groups)
        elif kind == 3:
            self._strong(closed_mouth)
        elif kind == 4:
            self._singles()

    def _smile(self, smile: float) -> None:
        self.add("mouthSmile", smile)
        for name, share in self._config.smile_proportional:
            self.add(name, smile * self._rng.uniform(*share))

    def _strong(self, closed_mouth: bool) -> None:
        """Add a strong expression."""
        rng, config = self._rng, self._config
        frequency = np.array([s.closed if closed_mouth else s.open for s in config.strong])
        named: NamedExpression = config.strong[int(rng.choice(len(frequency), p=frequency / frequency.sum()))]
        sides = (SIDES[int(rng.integers(2))],) if named.one_sided else SIDES
        self.add_groups(named.groups, scale=float(rng.uniform(*config.strong_scale)), sides=sides)

    def _singles(self) -> None:
        """Add a few blendshapes, whichever they are."""
        rng, names, config = self._rng, self._names, self._config
        for k in rng.choice(len(names), int(rng.integers(*config.single_count)), replace=False):
            name, weight = names[int(k)], float(rng.beta(*config.single_beta) * config.single_scale)
            # jawLeft, mouthLeft and the like have no stem whose Left and Right both exist; they stay single
            stem = name.removesuffix("Left").removesuffix("Right")
            paired = stem + "Left" in self._index and stem + "Right" in self._index
            if paired and rng.random() < config.single_pair_rate:
                self.add(stem, weight)
            else:
                self.weights[int(k)] += weight

    def add_lids(self) -> Bool[np.ndarray, "2"]:
        """Add a blink, a wink, half-closed, squinting or wide eyes at most; return the eyes that are closed."""
        rng, config = self._rng, self._config
        closed = np.zeros(2, np.bool_)
        kind = _choose(
            rng, (config.blink_rate, config.wink_rate, config.half_closed_rate, config.squint_rate, config.wide_rate)
        )
        if kind == 0:
            closed[:] = True
        elif kind == 1:
            eye = int(rng.integers(2))
            closed[eye] = True
            for name in ("eyeSquint", "cheekSquint"):
                self.add(name, rng.uniform(*config.wink_squint), sides=(SIDES[eye],))
        elif kind == 2:
            self.add("eyeBlink", rng.uniform(*config.half_closed), sd=config.lid_asymmetry_sd)
        elif kind == 3:
            self.add("eyeSquint", rng.uniform(*config.squint), sd=config.lid_asymmetry_sd)
        elif kind == 4:
            self.add("eyeWide", rng.uniform(*config.wide), sd=config.lid_asymmetry_sd)
        return closed

    def follow_gaze(self, yaw: float, pitch: float) -> None:
        """Add the lid movements of a gaze; 1 is a full look to the subject's left, or up."""
        for names, amount in (
            (("eyeLookOutLeft", "eyeLookInRight"), yaw),
            (("eyeLookInLeft", "eyeLookOutRight"), -yaw),
            (("eyeLookUpLeft", "eyeLookUpRight"), pitch),
            (("eyeLookDownLeft", "eyeLookDownRight"), -pitch),
        ):
            for name in names:
                self.weights[self._index[name]] += max(amount, 0.0)

    def hold_mouth(self) -> None:
        """Take back what would open a mouth."""
        rng, config = self._rng, self._config
        for shapes, factor in (
            (config.opening_shapes, config.held_shut),
            (config.pulling_shapes, config.held_pull),
        ):
            scale = np.float32(rng.uniform(*factor))
            for k, name in enumerate(self._names):
                if name.removesuffix("Left").removesuffix("Right") in shapes:
                    self.weights[k] *= scale

    def balance(self, closed: Bool[np.ndarray, "2"]) -> None:
        """Make the sides of the face differ, lips pull on a dropped jaw alone, and lids of closed eyes close."""
        factors = np.exp(self._rng.normal(0, self._config.side_sd, (2, 2)))
        for k, name in enumerate(self._names):
            for side, of_side in zip(SIDES, factors, strict=True):
                # jawLeft and mouthLeft go to a side; they are no side's half of a pair
                if name.endswith(side) and name.removesuffix(side) not in ("jaw", "mouth"):
                    self.weights[k] *= np.float32(of_side[int(name.startswith(_LOWER_FACE))])
        # mouthClose takes the lips as far as jawOpen parts them: alone, it would put them through each other
        shut, jaw = self._index["mouthClose"], self._index["jawOpen"]
        self.weights[shut] = min(self.weights[shut], self.weights[jaw])
        for side, is_closed in zip(SIDES, closed, strict=True):
            if is_closed:
                self.weights[self._index["eyeBlink" + side]] = 1.0
                for name in ("eyeWide", "eyeLookUp", "eyeLookDown"):
                    self.weights[self._index[name + side]] = 0.0


def _choose(rng: np.random.Generator, rates: tuple[float, ...]) -> int:
    """Choose one of some alternatives with their probabilities; their number, where none is chosen."""
    return int(np.searchsorted(np.cumsum(rates), rng.random(), side="right"))
