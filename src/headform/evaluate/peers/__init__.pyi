from .importing import Imported as Imported
from .importing import import_predictions as import_predictions
from .systems import SYSTEMS as SYSTEMS
