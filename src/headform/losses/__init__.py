"""Losses of both papers: pure functions of tensors, and two modules that hold a frozen network."""

from headform.losses.adversarial import critic_loss as critic_loss
from headform.losses.adversarial import generator_loss as generator_loss
from headform.losses.adversarial import gradient_penalty as gradient_penalty
from headform.losses.arcface import SubCenterArcFace as SubCenterArcFace
from headform.losses.image_identity import IdentityLoss as IdentityLoss
from headform.losses.image_identity import cosine_loss as cosine_loss
from headform.losses.landmarks import deca_landmark_weights as deca_landmark_weights
from headform.losses.landmarks import landmark_loss as landmark_loss
from headform.losses.landmarks import pair_distance_loss as pair_distance_loss
from headform.losses.mesh_identity import MeshIdentityLoss as MeshIdentityLoss
from headform.losses.mesh_signals import laplacian_loss as laplacian_loss
from headform.losses.mesh_signals import symmetry_loss as symmetry_loss
from headform.losses.photometric import photometric_loss as photometric_loss
from headform.losses.photometric import pixel_loss as pixel_loss
from headform.losses.regularizers import code_prior as code_prior
from headform.losses.regularizers import gray_light_prior as gray_light_prior
from headform.losses.regularizers import within_subject_permutation as within_subject_permutation
from headform.losses.vertices import MICA_REGION_WEIGHTS as MICA_REGION_WEIGHTS
from headform.losses.vertices import region_weighted_loss as region_weighted_loss
from headform.losses.vertices import region_weights as region_weights
from headform.losses.vertices import vertex_loss as vertex_loss
