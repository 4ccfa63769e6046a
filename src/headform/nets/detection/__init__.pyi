from .detector import Detector as Detector
from .detector import load_detector as load_detector
from .face import Face as Face
from .face import by_prominence as by_prominence
from .yunet import YuNetDetector as YuNetDetector
from .yunet import YuNetOptions as YuNetOptions
from .yunet_net import YuNet as YuNet
from .yunet_net import YuNetConfig as YuNetConfig
