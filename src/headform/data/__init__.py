"""Sets of meshes in one topology: sampled heads, folders of registered meshes, prepared folders."""

from headform.data.mesh_dataset import MeshDataset, coordinate_statistics
from headform.data.prepared import PreparedMeshes
from headform.data.prepared_writer import write_prepared
from headform.data.registered import RegisteredMeshes, read_registered
from headform.data.sampled_heads import HeadSampling, SampledHeads
from headform.data.splits import Subset, fold_indices, split_indices

__all__ = [
    "HeadSampling",
    "MeshDataset",
    "PreparedMeshes",
    "RegisteredMeshes",
    "SampledHeads",
    "Subset",
    "coordinate_statistics",
    "fold_indices",
    "read_registered",
    "split_indices",
    "write_prepared",
]
