"""Configuration of the generator of synthetic faces, and its presets."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from headform.synth.randomization.background import BackdropRandomization, BackgroundRandomization, SceneRandomization
from headform.synth.randomization.camera import CameraRandomization, PoseRandomization
from headform.synth.randomization.clothes import ClothesRandomization
from headform.synth.randomization.degradation import DegradationRandomization
from headform.synth.randomization.expression import ExpressionRandomization
from headform.synth.randomization.eyes import BrowRandomization, EyeRandomization
from headform.synth.randomization.glasses import GlassesRandomization
from headform.synth.randomization.hair import (
    BeardRandomization,
    HairRandomization,
    LashRandomization,
    StrayHairRandomization,
)
from headform.synth.randomization.hats import HatRandomization
from headform.synth.randomization.light import LightRandomization, SceneLightRandomization
from headform.synth.randomization.occluders import OccluderRandomization
from headform.synth.randomization.ranges import Range
from headform.synth.randomization.skin import SkinRandomization
from headform.synth.randomization.strong_expressions import BlendshapeGroup
from headform.synth.randomization.wrinkles import WrinkleRandomization


@dataclass(frozen=True)
class RandomizationConfig:
    """Configuration of the generator, by group."""

    identity_scale: Range = (0.7, 1.25)  # standard deviation of the identity coefficients
    expression: ExpressionRandomization = field(default_factory=ExpressionRandomization)
    pose: PoseRandomization = field(default_factory=PoseRandomization)
    skin: SkinRandomization = field(default_factory=SkinRandomization)
    wrinkles: WrinkleRandomization = field(default_factory=WrinkleRandomization)
    eyes: EyeRandomization = field(default_factory=EyeRandomization)
    brows: BrowRandomization = field(default_factory=BrowRandomization)
    hair: HairRandomization = field(default_factory=HairRandomization)
    stray_hair: StrayHairRandomization = field(default_factory=StrayHairRandomization)
    beard: BeardRandomization = field(default_factory=BeardRandomization)
    lashes: LashRandomization = field(default_factory=LashRandomization)
    glasses: GlassesRandomization = field(default_factory=GlassesRandomization)
    clothes: ClothesRandomization = field(default_factory=ClothesRandomization)
    hats: HatRandomization = field(default_factory=HatRandomization)
    occluders: OccluderRandomization = field(default_factory=OccluderRandomization)
    light: LightRandomization = field(default_factory=LightRandomization)
    scene_light: SceneLightRandomization = field(default_factory=SceneLightRandomization)
    camera: CameraRandomization = field(default_factory=CameraRandomization)
    background: BackgroundRandomization = field(default_factory=BackgroundRandomization)
    backdrop: BackdropRandomization = field(default_factory=BackdropRandomization)
    scene: SceneRandomization = field(default_factory=SceneRandomization)
    degradation: DegradationRandomization = field(default_factory=DegradationRandomization)

    def with_changes(self, **groups: Mapping[str, Any]) -> "RandomizationConfig":
        """Return a copy in which some fields of some groups have other values: `with_changes(pose={"roll_sd": 8.0})`."""
        return replace(self, **{name: replace(getattr(self, name), **fields) for name, fields in groups.items()})


FULL = RandomizationConfig()
EASY = FULL.with_changes(
    expression={"rate": 0.0},
    pose={"frontal_rate": 1.0, "frontal_yaw_sd": 9.0, "pitch_sd": 6.0, "roll_sd": 4.0, "tilted_rate": 0.0},
    glasses={"rate": 0.0},
    hats={"rate": 0.04},
    occluders={"rate": 0.0, "strands_rate": 0.0},
    light={"most_hardness": 0.6, "contrast": 0.7},
    camera={"distance": (0.8, 2.5)},
    degradation={"strength": 0.4},
)
PORTRAIT = FULL.with_changes(
    expression={
        "rate": 0.97, "closed_mouth_rate": 0.12, "parted_rate": 0.1, "mild_smile_rate": 0.12, "smile_rate": 0.8,
        "smile": (0.5, 1.1), "open_mouth_rate": 0.01, "strong_rate": 0.01, "single_rate": 0.03,
        "smile_proportional": (
            ("cheekSquint", (0.1, 0.7)), ("eyeSquint", (0.2, 0.9)), ("mouthUpperUp", (0.3, 0.8)),
            ("mouthLowerDown", (0.3, 0.9)),
        ),
        "smile_groups": (
            BlendshapeGroup(0.8, (("jawOpen", (0.03, 0.28)),)), BlendshapeGroup(0.4, (("mouthStretch", (0.0, 0.4)),)),
            BlendshapeGroup(0.3, (("mouthDimple", (0.0, 0.5)),)),
        ),
        "blink_rate": 0.01, "wink_rate": 0.0, "half_closed_rate": 0.03, "wide_rate": 0.02, "camera_gaze_rate": 0.95,
    },
    pose={"frontal_rate": 0.7, "frontal_yaw_sd": 7.0, "turned_rate": 0.3, "turned_yaw_sd": 15.0, "pitch_sd": 4.0,
          "roll_sd": 3.0, "tilted_rate": 0.0},
    wrinkles={"age_power": 0.8, "lasting": (0.05, 0.5)},
    light={"shine": (0.05, 0.4), "occlusion": (0.9, 1.7)},
    scene_light={"key_softness": (0.2, 0.9), "ambient_share": (0.1, 0.6)},
    glasses={"rate": 0.2, "sunglasses_rate": 0.01, "tint_rate": 0.02},
    hair={"natural_color_rate": 1.0},
    hats={"rate": 0.02},
    occluders={"rate": 0.0, "strands_rate": 0.02},
    camera={"distance": (0.8, 3.0)},
    background={"backdrop_rate": 1.0},
    backdrop={"kind_rates": (0.4, 0.15, 0.07, 0.3, 0.08), "blur": (0.003, 0.018)},
    clothes={"kinds": (("suit", 0.75), ("blazer", 0.12), ("shirt", 0.06), ("vneck", 0.04), ("turtleneck", 0.03)),
             "suit_albedo": (0.003, 0.04)},
    degradation={"strength": 0.6, "severity_power": 3.0, "old_rate": 0.01, "print_rate": 0.0, "screen_rate": 0.0},
)  # fmt: skip
PRESETS = {"full": FULL, "easy": EASY, "portrait": PORTRAIT}
"""Configurations by name: everything, the beginning of a training, people who sit for an official portrait."""
