from .confidence import assess_confidence as assess_confidence
from .face_finder import FaceFinder as FaceFinder
from .face_finder import FoundFace as FoundFace
from .face_fit import FaceFitter as FaceFitter
from .face_fit import FittedHead as FittedHead
from .reconstruction import Reconstruction as Reconstruction
from .reconstructor import Reconstructor as Reconstructor
from .reconstructor import reconstruct as reconstruct
