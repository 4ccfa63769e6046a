"""Probabilities and ranges from which synthetic faces are sampled, a module for each group.

FULL randomizes everything; EASY (near frontal, neutral, mild light) is where the training of an identity network starts;
PORTRAIT is people who sit for an official portrait.
A field named `..._rate` is a probability in 0..1, `..._sd` a standard deviation, a `Range` is uniform unless it says
otherwise. Colors and albedo are linear RGB, head lengths centimeters or meters as stated, pixels those of the picture.
"""

from headform.synth.randomization.background import BackdropRandomization as BackdropRandomization
from headform.synth.randomization.background import BackgroundRandomization as BackgroundRandomization
from headform.synth.randomization.background import SceneRandomization as SceneRandomization
from headform.synth.randomization.camera import CameraRandomization as CameraRandomization
from headform.synth.randomization.camera import PoseRandomization as PoseRandomization
from headform.synth.randomization.clothes import ClothesRandomization as ClothesRandomization
from headform.synth.randomization.config import EASY as EASY
from headform.synth.randomization.config import FULL as FULL
from headform.synth.randomization.config import PORTRAIT as PORTRAIT
from headform.synth.randomization.config import PRESETS as PRESETS
from headform.synth.randomization.config import RandomizationConfig as RandomizationConfig
from headform.synth.randomization.degradation import DegradationRandomization as DegradationRandomization
from headform.synth.randomization.expression import ExpressionRandomization as ExpressionRandomization
from headform.synth.randomization.eyes import BrowRandomization as BrowRandomization
from headform.synth.randomization.eyes import EyeRandomization as EyeRandomization
from headform.synth.randomization.glasses import FrameShape as FrameShape
from headform.synth.randomization.glasses import GlassesRandomization as GlassesRandomization
from headform.synth.randomization.hair import BeardRandomization as BeardRandomization
from headform.synth.randomization.hair import HairRandomization as HairRandomization
from headform.synth.randomization.hair import LashRandomization as LashRandomization
from headform.synth.randomization.hair import StrayHairRandomization as StrayHairRandomization
from headform.synth.randomization.hats import HatRandomization as HatRandomization
from headform.synth.randomization.light import LightRandomization as LightRandomization
from headform.synth.randomization.light import SceneLightRandomization as SceneLightRandomization
from headform.synth.randomization.occluders import OccluderRandomization as OccluderRandomization
from headform.synth.randomization.ranges import GAMMA as GAMMA
from headform.synth.randomization.ranges import IntRange as IntRange
from headform.synth.randomization.ranges import Range as Range
from headform.synth.randomization.skin import SkinRandomization as SkinRandomization
from headform.synth.randomization.strong_expressions import STRONG_EXPRESSIONS as STRONG_EXPRESSIONS
from headform.synth.randomization.strong_expressions import BlendshapeGroup as BlendshapeGroup
from headform.synth.randomization.strong_expressions import NamedExpression as NamedExpression
from headform.synth.randomization.wrinkles import WrinkleRandomization as WrinkleRandomization
