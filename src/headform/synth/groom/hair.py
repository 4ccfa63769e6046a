"""Hair of cards: a shipped style, mirrored, cut, combed and thinned for one person.

W vertices of a style, V head vertices. Meters, mean head, until the result is placed on a person.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
import scipy.spatial
from jaxtyping import Float, Float32, Int32, UInt8

from headform.geometry.face_classes import HAIR
from headform.heads.linear import PARTS, LinearHead
from headform.synth.appearance import HAIR_LEVEL, PieceAsset, load_appearance
from headform.synth.groom.scalp import ScalpCylinder
from headform.synth.piece import Piece
from headform.synth.randomization.hair import HairRandomization
from headform.synth.skin_fields import SkinFields

_TOP, _TOP_FADE = 0.115, 0.02
"""Height above which hair is not combed, since azimuths lose their meaning there, and over which combing fades."""
_EAR_HEIGHT = 0.02  # where hair begins to hang
_FACE_AZIMUTH, _FACE_FADE = 1.0, 0.5  # half width of the face and of its border, radians
_FRONT_HAIRLINE = 0.09
_CENTER = np.array([0.0, 0.045, 0.0], np.float32)
_MIRRORED = np.array([-1, 1, 1], np.float32)
_FULL = 0.02  # distance from the skin at which volume acts in full
_SUNK = 0.006  # depth below the skin of hair that is gone
_OVER_EYES = 0.05  # height below which hair before the face hides the eyes
_ROOTS = 0.9  # density of painted roots under hair
_ROOT_LINE, _ROOT_FADE = 0.01, 0.0035  # height over the hairline where painted roots are half as dense; their fading
_CURLY, _CURLY_GLOSS = "afro", 0.1  # beginning of its name, and the share of gloss that curls keep
_CROWN_HEIGHT, _BALD_AZIMUTH = 0.092, 1.25  # above and in front of which a bald crown reaches
_CLOSE_CUT = 0.006  # most distance from the skin of hair around a bald crown
_SHORT = ("short", "afro")  # beginnings of names
_RECEDED = 0.003  # shift of the hairline from which it recedes
_HANGING = -0.06  # lowest height from which hair counts as hanging
_CLOSE = 0.03  # distance from the skin of hair that recedes
_TEXTURE_STEPS = 6  # levels of thinning that are kept


@dataclass(frozen=True, eq=False)
class _Style:
    """Style as it is stored, with what combing needs."""

    asset: PieceAsset
    mirrored_anchor: Int32[np.ndarray, "W K"]
    distance: Float32[np.ndarray, " W"]  # from the nearest skin
    hairline: Float32[np.ndarray, " W"]  # height above the hairline of the skin below, meters
    lock: Int32[np.ndarray, " W"]  # number of its card
    azimuth: Float32[np.ndarray, " W"]
    hides_eyes: bool
    hangs: bool
    cropped: bool  # short enough to show a hairline


@dataclass(frozen=True)
class Haircut:
    """Hair of one person's scalp.

    Attributes:
        piece: The hair; none on a bald or shaved head.
        roots: Density of hair on the scalp, 0..1, by which its roots are to be painted.
        shift: Height of the hairline over the mean one, meters.
        open_hairline: True where the hair leaves the hairline to be seen.
    """

    piece: Piece | None
    roots: Float32[np.ndarray, " V"]
    shift: float
    open_hairline: bool


class Hairdresser:
    """Maker of hair for people of one head model.

    Args:
        head: The open head.
        fields: Its fields.
    """

    def __init__(self, head: LinearHead, fields: SkinFields) -> None:
        self._mean = head.mean.numpy()
        self._mirror = head.mirror.numpy().astype(np.int32)
        skin = np.isin(head.part.numpy(), [PARTS.index("face"), PARTS.index("head")]) & ~head.regions["ears"].numpy()
        self._skin = np.flatnonzero(skin)
        self._tree = scipy.spatial.cKDTree(self._mean[self._skin])
        self._hairline = fields.hairline / np.float32(100)
        self._temple = np.clip((np.abs(self._mean[:, 0]) - 0.025) / 0.03, 0, 1).astype(np.float32)
        self._scalp = ScalpCylinder.of(head)
        self._styles: dict[str, _Style] = {}

    def cut(
        self,
        rng: np.random.Generator,
        displacement: Float32[np.ndarray, "V 3"],
        rgb: Float[np.ndarray, "3"],
        config: HairRandomization,
        *,
        bearded: bool = False,
    ) -> "Haircut":
        """Draw the hair of one person.

        Args:
            rng: Source of chance.
            displacement: Offsets of the person's head vertices from the mean head's, meters.
            rgb: Linear RGB of the hair.
            config: Probabilities and ranges.
            bearded: Prefer short hair.
        """
        kind = rng.random()
        if kind < config.bald_rate:
            return Haircut(None, np.zeros(len(self._mean), np.float32), 0.0, False)
        styles = config.styles
        if bearded and rng.random() < config.short_if_bearded_rate:
            styles = tuple(each for each in styles if each[0].startswith(_SHORT)) or styles
        names, weights = zip(*styles, strict=True)
        name = names[int(rng.choice(len(names), p=np.array(weights) / sum(weights)))]
        style = self._style(name)
        shaved = kind < config.bald_rate + config.shaved_rate
        shift, crown = rng.uniform(*config.usual_hairline), False
        if shaved or style.cropped:
            shift = rng.uniform(*config.recede) if rng.random() < config.recede_rate else shift
            crown = rng.random() < config.crown_rate and not name.startswith(_CURLY)
        roots = self._roots(shift, crown) * np.float32(rng.uniform(*config.shaved) if shaved else _ROOTS)
        if shaved:
            return Haircut(None, roots, shift, False)
        position, anchor = self._combed(rng, style, shift, crown, config)
        moved = position + np.einsum("wk,wkc->wc", style.asset.weight, displacement[anchor])
        tone = self._tone(rng, style, config)
        curly = name.startswith(_CURLY)
        missing = rng.uniform(*config.thin) if style.cropped and rng.random() < config.thin_rate else 0.0
        piece = Piece(
            vertices=moved.astype(np.float32),
            faces=style.asset.faces,
            albedo=(tone[:, None] * (rgb / HAIR_LEVEL)).astype(np.float32),
            label=HAIR,
            gloss=float(rng.uniform(*config.gloss)) * (_CURLY_GLOSS if curly else 1.0),
            uv=style.asset.uv,
            texture=_thinned(name, round(missing * _TEXTURE_STEPS)),
            strands=not curly,
        )
        return Haircut(piece, roots, shift, style.cropped and not crown)

    def _roots(self, shift: float, crown: bool) -> Float32[np.ndarray, " V"]:
        """Density of roots on the scalp."""
        line = self._hairline - shift * (0.4 + 0.6 * self._temple) * np.clip((self._mean[:, 2] + 0.02) / 0.06, 0, 1)
        roots = 1 / (1 + np.exp(-np.clip((line - _ROOT_LINE) / _ROOT_FADE, -20, 20)))
        if crown:
            roots *= 1 - self._bald(self._mean, 0.0)
        return roots.astype(np.float32)

    def _combed(
        self, rng: np.random.Generator, style: _Style, shift: float, crown: bool, config: HairRandomization
    ) -> tuple[Float32[np.ndarray, "W 3"], Int32[np.ndarray, "W K"]]:
        """Return the positions on the mean head, and the anchors."""
        points = style.asset.position.copy()
        # volume, from the middle of the head
        limits = config.afro_volume if style.asset.name.startswith(_CURLY) else config.volume
        swell = rng.uniform(*limits)
        out = points - _CENTER
        length = np.linalg.norm(out, axis=1, keepdims=True)
        gain = swell * style.distance * np.clip(style.distance / _FULL, 0.3, 1)
        points += out / length * gain[:, None]
        azimuth, distance = self._scalp.unrolled(points)
        height = points[:, 1].copy()
        free = np.clip((_TOP - height) / _TOP_FADE, 0, 1)
        face = np.clip((_FACE_AZIMUTH + _FACE_FADE - np.abs(azimuth)) / (2 * _FACE_FADE), 0, 1)
        if style.hides_eyes and rng.random() < config.clear_rate:
            bottom = rng.uniform(*config.clear_height) + rng.uniform(*config.clear_slant) * azimuth
            lowest = float(np.quantile(height[face > 0.5], 0.01))
            span = np.minimum((_FRONT_HAIRLINE - bottom) / max(_FRONT_HAIRLINE - lowest, 1e-3), 1.0)
            lifted = _FRONT_HAIRLINE + (height - _FRONT_HAIRLINE) * span
            height = np.where(height < _FRONT_HAIRLINE, height + face * (lifted - height), height)
        elif style.cropped and not style.hangs and shift < _RECEDED and rng.random() < config.fringe_rate:
            drop = rng.uniform(*config.fringe)
            near = np.clip(1 - np.abs(style.hairline) / 0.02, 0, 1) * (style.distance < _CLOSE)
            tilt = 1 + rng.uniform(-0.6, 0.6) * azimuth
            height = height - drop * face * near * tilt
            distance = distance + 0.3 * drop * face * near
        if style.hangs:
            length_ = rng.uniform(*config.length)
            height = np.where(height < _EAR_HEIGHT, _EAR_HEIGHT + (height - _EAR_HEIGHT) * length_, height)
        loose = free * np.clip(style.distance / 0.01, 0.15, 1)
        if rng.random() < config.wave_rate:
            size, period = rng.uniform(*config.wave), rng.uniform(*config.wave_length)
            phase = (height + 0.01 * np.sin(5 * azimuth + rng.uniform(0, 6))) * (2 * np.pi / period) + rng.uniform(0, 6)
            azimuth = azimuth + loose * np.clip((0.08 - height) / 0.04, 0, 1) * size / 0.1 * np.sin(phase)
            distance = distance + loose * 0.7 * size * np.cos(phase)
        lumps = _lumps(rng, azimuth, height)
        distance = distance + loose * rng.uniform(*config.lumps) * lumps
        if crown:
            distance = np.minimum(distance, _CLOSE_CUT)
        combed = self._scalp.rolled(azimuth, height, np.maximum(distance, 0.0015))
        points = points + np.minimum(free * 4, 1)[:, None] * (combed - points)
        gone = self._gone(style, shift, crown, lumps, points)
        if gone.any():
            inward = (_CENTER - points) / np.linalg.norm(_CENTER - points, axis=1, keepdims=True)
            points = points + inward * (gone * (style.distance + _SUNK))[:, None]
        if rng.random() < config.mirror_rate:
            return np.asarray(points * _MIRRORED, np.float32), style.mirrored_anchor
        return points, style.asset.anchor

    def _gone(
        self,
        style: _Style,
        shift: float,
        crown: bool,
        lumps: Float[np.ndarray, " W"],
        points: Float32[np.ndarray, "W 3"],
    ) -> Float[np.ndarray, " W"]:
        """Share by which hair has sunk under the skin: in front of a receding hairline, on a bald crown."""
        gone = np.zeros(len(points), np.float32)
        if shift > _RECEDED:
            temple = np.clip((np.abs(points[:, 0]) - 0.02) / 0.03, 0, 1)
            front = np.clip((points[:, 2] - 0.0) / 0.04, 0, 1)
            line = style.hairline - shift * (0.4 + 0.6 * temple) * front - 0.002 * lumps
            gone = np.clip(-line / 0.006, 0, 1) * front * (style.distance < _CLOSE)
        if crown:
            gone = np.maximum(gone, self._bald(points, 0.003 * lumps))
        return np.asarray(gone, np.float32)

    def _bald(
        self, points: Float[np.ndarray, "N 3"], uneven: Float[np.ndarray, " N"] | float
    ) -> Float[np.ndarray, " N"]:
        """Share of baldness of a head that keeps its hair at the sides and at the back."""
        top = np.clip((points[:, 1] + uneven - _CROWN_HEIGHT) / 0.012, 0, 1)
        azimuth = np.arctan2(points[:, 0], points[:, 2] - 0.005)
        front = np.clip((_BALD_AZIMUTH - np.abs(azimuth)) / 0.25, 0, 1) * np.clip((points[:, 1] - 0.045) / 0.01, 0, 1)
        return np.asarray(np.maximum(top, front))

    def _tone(self, rng: np.random.Generator, style: _Style, config: HairRandomization) -> Float32[np.ndarray, " W"]:
        """Relative brightness: darker roots, lighter tips, locks that differ."""
        far = np.clip(style.distance / 0.04 + np.clip(0.02 - style.asset.position[:, 1], 0, 0.2) / 0.2, 0, 1)
        root, tip = rng.uniform(*config.root_tone), rng.uniform(*config.tip_tone)
        locks = np.exp(config.card_tone_sd * rng.standard_normal(int(style.lock.max()) + 1))
        streaks = np.exp(rng.uniform(*config.streaks) * _streaks(rng, style.azimuth, style.asset.position[:, 1]))
        return ((root + (tip - root) * far) * locks[style.lock] * streaks).astype(np.float32)

    def _style(self, name: str) -> _Style:
        if name not in self._styles:
            asset = load_appearance().hair[name]
            distance, near = self._tree.query(asset.position)
            count, faces = len(asset.position), asset.faces
            # vertices of a seam have equal positions and belong together
            _, place = np.unique(np.round(asset.position, 6), axis=0, return_inverse=True)
            a, b = place[faces[:, [0, 1]].ravel()], place[faces[:, [1, 2]].ravel()]
            joined = scipy.sparse.csr_matrix((np.ones(len(a)), (a, b)), shape=(count, count))
            lock = scipy.sparse.csgraph.connected_components(joined, directed=False)[1][place]
            azimuth, out = self._scalp.unrolled(asset.position)
            front = (np.abs(azimuth) < 0.6) & (out < 0.06)
            hides = bool((asset.position[front, 1] < _OVER_EYES).sum() > 5)
            hangs = bool(asset.position[:, 1].min() < _HANGING)
            self._styles[name] = _Style(
                asset,
                self._mirror[asset.anchor],
                distance.astype(np.float32),
                self._hairline[self._skin[near]],
                np.unique(lock, return_inverse=True)[1].astype(np.int32),
                azimuth.astype(np.float32),
                hides_eyes=hides,
                hangs=hangs,
                cropped=not (hangs or hides) or name.startswith("ponytail"),
            )
        return self._styles[name]


def _lumps(
    rng: np.random.Generator, azimuth: Float[np.ndarray, " W"], height: Float[np.ndarray, " W"]
) -> Float[np.ndarray, " W"]:
    """Draw smooth noise of about unit variance over azimuth and height."""
    azimuth, height = azimuth.astype(np.float32), height.astype(np.float32)
    total = np.zeros(len(azimuth), np.float32)
    for turns in range(1, 7):
        phase, rise, size = rng.uniform(0, 2 * np.pi), float(rng.normal(0, 40)), float(rng.normal())
        total += size * np.sin(turns * azimuth + rise * height + phase)
    return total / np.sqrt(3.0)


def _streaks(
    rng: np.random.Generator, azimuth: Float[np.ndarray, " W"], height: Float[np.ndarray, " W"]
) -> Float[np.ndarray, " W"]:
    """Draw noise of about unit variance that varies around the head and little along the strands."""
    turns = rng.integers(9, 45, 8)
    rise, start = rng.normal(0, 12, (8, 1)), rng.uniform(0, 6.3, (8, 1))
    waves = np.concatenate([turns[:, None], rise, start], 1).astype(np.float32)
    phase = waves @ np.stack([azimuth, height, np.ones_like(azimuth)]).astype(np.float32)
    return np.asarray(np.sin(phase).sum(0) / 2)


@lru_cache(maxsize=64)
def _thinned(name: str, level: int) -> UInt8[np.ndarray, "H L 4"]:
    """Return the picture of a style with a share `level` / `_TEXTURE_STEPS` of its strands missing."""
    picture = load_appearance().hair[name].picture
    if picture is None or not level:
        return picture  # type: ignore[return-value]
    rng = np.random.default_rng(level)
    noise = rng.normal(size=(picture.shape[0] // 8, picture.shape[1]))
    noise = np.repeat(noise, 8, 0)
    noise = (noise + np.roll(noise, 4, 0)) / np.sqrt(2)
    fine = 0.5 + 0.5 * np.clip(noise, -2.5, 2.5) / 2.5
    keep = np.clip((fine - 0.75 * level / _TEXTURE_STEPS) / 0.15, 0, 1)
    out = picture.copy()
    out[..., 3] = np.round(out[..., 3] * keep).astype(np.uint8)
    return out
