"""FLAME (Li et al., "Learning a model of facial shape and expression from 4D scans", 2017): a linear head with a skeleton.

Letters: those of `heads.linear`; J joints (5: root, neck, jaw and the eyes),
P = 9 (J - 1) pose correctives, Y yaw bins of the jaw line (79).
"""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from headform.heads.linear import LinearHead


@dataclass(frozen=True, eq=False, kw_only=True)
class FlameHead(LinearHead):
    """A FLAME model. `vertices` gives its unposed shape; `posed` moves the joints.

    `identity` and `expression` are the columns of the published ``shapedirs`` (+1 is one standard deviation).
    The 68 points of `landmarks` are the published full embedding.

    Attributes:
        pose_correctives: displacement (metres) per entry of R - I of joints 1 to J - 1, row by row.
        joint_regressor: joint positions are this times the unposed vertices.
        parents: parent of each joint, -1 for the root.
        skinning: weight of each joint at each vertex; rows sum to 1.
        static_vertices: three vertices of each of the 51 landmarks that do not move with the view.
        static_weights: their barycentric weights.
        contour_vertices: three vertices of each of the 17 jaw points, for each of the Y yaw bins.
        contour_weights: their barycentric weights.
    """

    pose_correctives: Float[Tensor, "P V 3"]
    joint_regressor: Float[Tensor, "J V"]
    parents: tuple[int, ...]
    skinning: Float[Tensor, "V J"]
    static_vertices: Int[Tensor, "M 3"]
    static_weights: Float[Tensor, "M 3"]
    contour_vertices: Int[Tensor, "Y R 3"]
    contour_weights: Float[Tensor, "Y R 3"]
