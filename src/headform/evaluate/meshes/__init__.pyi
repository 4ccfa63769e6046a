from .identity import IdentityTable as IdentityTable
from .identity import evaluate_identity as evaluate_identity
from .identity import identity_error as identity_error
from .mesh_autoencoder import MeshErrorTable as MeshErrorTable
from .mesh_autoencoder import evaluate_models as evaluate_models
from .mesh_autoencoder import vertex_distances as vertex_distances
from .scan_validation import ScanValidation as ScanValidation
