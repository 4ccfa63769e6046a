from .importing import ImportedModel as ImportedModel
from .importing import linear_head as linear_head
from .registry import Importer as Importer
from .registry import convert as convert
from .registry import importer as importer
from .registry import kind_of as kind_of
