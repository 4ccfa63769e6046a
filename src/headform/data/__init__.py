"""Training data: sets of meshes in one topology (sampled, registered, prepared), and shards of labelled photos."""

from headform.data.mesh_dataset import MeshDataset, coordinate_statistics
from headform.data.prepared import PreparedMeshes
from headform.data.prepared_writer import write_prepared
from headform.data.registered import RegisteredMeshes, read_registered
from headform.data.sample import Sample, sample_name
from headform.data.sampled_heads import HeadSampling, SampledHeads
from headform.data.shards import ShardSet, ShardWriter
from headform.data.splits import Subset, fold_indices, split_indices

__all__ = [
    "HeadSampling",
    "MeshDataset",
    "PreparedMeshes",
    "RegisteredMeshes",
    "Sample",
    "SampledHeads",
    "ShardSet",
    "ShardWriter",
    "Subset",
    "coordinate_statistics",
    "fold_indices",
    "read_registered",
    "sample_name",
    "split_indices",
    "write_prepared",
]
