from . import data as data
from . import errors as errors
from . import evaluate as evaluate
from . import export as export
from . import fit as fit
from . import geometry as geometry
from . import graph as graph
from . import heads as heads
from . import images as images
from . import importers as importers
from . import io as io
from . import losses as losses
from . import mesh as mesh
from . import nets as nets
from . import pipeline as pipeline
from . import registration as registration
from . import render as render
from . import synth as synth
from . import train as train
from . import viz as viz
from .pipeline.reconstruction import Reconstruction as Reconstruction
from .pipeline.reconstructor import Reconstructor as Reconstructor
from .pipeline.reconstructor import reconstruct as reconstruct

__version__: str
