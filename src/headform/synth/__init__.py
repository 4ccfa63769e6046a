"""Made people: photographs of people who do not exist, with every label known."""

from .folder import write_folder as write_folder
from .generator import Generator as Generator
from .generator import MadeBatch as MadeBatch
from .recipe import EASY as EASY
from .recipe import FULL as FULL
from .recipe import Recipe as Recipe
