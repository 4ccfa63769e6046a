"""Synthetic faces: rendered photographs of sampled heads, with all labels known."""

from headform.synth.folder import write_folder as write_folder
from headform.synth.generator import Generator as Generator
from headform.synth.generator import SyntheticBatch as SyntheticBatch
from headform.synth.randomization import EASY as EASY
from headform.synth.randomization import FULL as FULL
from headform.synth.randomization import PORTRAIT as PORTRAIT
from headform.synth.randomization import PRESETS as PRESETS
from headform.synth.randomization import RandomizationConfig as RandomizationConfig
