"""Clothes, glasses, hats and covers of synthetic people, as meshes fitted to their heads."""

from headform.synth.wear.hats import HatCover as HatCover
from headform.synth.wear.wardrobe import Outfit as Outfit
from headform.synth.wear.wardrobe import Wardrobe as Wardrobe
