from .head import FlameHead as FlameHead
from .head import FlamePose as FlamePose
