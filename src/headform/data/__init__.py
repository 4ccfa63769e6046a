"""Sets of meshes in one topology: made heads, folders of registered meshes, prepared folders."""

from headform.data.made_heads import MadeHeads
from headform.data.mesh_dataset import MeshDataset, coordinate_statistics

__all__ = ["MadeHeads", "MeshDataset", "coordinate_statistics"]
