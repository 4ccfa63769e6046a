"""Synthetic faces: photographs of synthetic faces, with every label known."""

from headform.synth.folder import write_folder as write_folder
from headform.synth.generator import Generator as Generator
from headform.synth.generator import SyntheticBatch as SyntheticBatch
from headform.synth.variety import EASY as EASY
from headform.synth.variety import FULL as FULL
from headform.synth.variety import Recipe as Recipe
