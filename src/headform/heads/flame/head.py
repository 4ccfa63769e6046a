"""FLAME (Li et al., "Learning a model of facial shape and expression from 4D scans", 2017): linear head with a skeleton.

Letters as in `heads.linear`; J joints (5: root, neck, jaw, left eye, right eye),
P = 9 (J - 1) pose correctives, Y yaw bins of the jaw line (79).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headform.errors import InputError
from headform.geometry.rotation import rotation_from_rotvec
from headform.heads.coefficients import FLAME, Coefficients
from headform.heads.flame.skinning import pose_feature, posed_joints, skinned
from headform.heads.linear import LinearHead
from headform.kernels.functorch import transformed

_WIDEST_BIN = 39  # degrees of yaw; bins 0 to 39, then -1 to -39


@dataclass(frozen=True, eq=False)
class FlamePose:
    """Posed FLAME head.

    Attributes:
        vertices: skinned vertices, meters.
        joints: positions of root, neck, jaw, left eye, right eye, meters.
        global_rotation: axis-angle rotation of the root, as given.
        neck: axis-angle rotation of the neck, as given; both together determine the yaw of the face.
    """

    vertices: Float[Tensor, "*B V 3"]
    joints: Float[Tensor, "*B J 3"]
    global_rotation: Float[Tensor, "*#B 3"] | None = None
    neck: Float[Tensor, "*#B 3"] | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class FlameHead(LinearHead):
    """FLAME head model. `vertices` decodes the unposed shape, `pose` the posed one.

    `identity` and `expression` are the columns of the published ``shapedirs`` (+1 is one standard deviation).
    The 68 points of `landmarks` are the published full embedding.

    Attributes:
        pose_correctives: displacement (meters) per entry of R - I of joints 1 to J - 1, row by row.
        joint_regressor: matrix from unposed vertices to joint positions.
        parents: index of the parent of each joint, -1 for the root.
        skinning: weight of each joint at each vertex; rows sum to 1.
        static_vertices: vertices of the triangle of each of the 51 landmarks that do not depend on the view.
        static_weights: barycentric weights of the static landmarks.
        contour_vertices: vertices of the triangle of each of the 17 jaw points, for each of the Y yaw bins.
        contour_weights: barycentric weights of the jaw points.
    """

    pose_correctives: Float[Tensor, "P V 3"]
    joint_regressor: Float[Tensor, "J V"]
    parents: tuple[int, ...]
    skinning: Float[Tensor, "V J"]
    static_vertices: Int[Tensor, "M 3"]
    static_weights: Float[Tensor, "M 3"]
    contour_vertices: Int[Tensor, "Y R 3"]
    contour_weights: Float[Tensor, "Y R 3"]

    def forward(self, *args: Any, **kwargs: Any) -> FlamePose:
        """Shape, pose and place the head; see `pose`."""
        return self.pose(*args, **kwargs)

    def pose(
        self,
        identity: Float[Tensor, "*#B I"] | None = None,
        expression: Float[Tensor, "*#B E"] | None = None,
        *,
        global_rotation: Float[Tensor, "*#B 3"] | None = None,
        neck: Float[Tensor, "*#B 3"] | None = None,
        jaw: Float[Tensor, "*#B 3"] | None = None,
        eyes: Float[Tensor, "*#B 6"] | None = None,
        translation: Float[Tensor, "*#B 3"] | None = None,
    ) -> FlamePose:
        """Shape, pose and place the head (Li et al. 2017, equations 1 to 5). Differentiable in every argument.

        Blendshapes of identity and expression; joints regressed from those vertices, expression included, as in the released
        models; correctives from R - I of every joint but the root; linear blend skinning. Batch axes are broadcast. An input
        of None counts as zero at no cost; fewer coefficients than modes use the first ones.

        On the CPU in single precision a kernel is used (`heads.flame._compiled`), whose result does not depend on the
        number of threads; plain torch is used elsewhere, for gradients of the head's own tensors, for second and forward
        derivatives and inside the transforms of `torch.func`.

        Args:
            identity: (*B, I) standard deviations.
            expression: (*B, E) standard deviations.
            global_rotation: (*B, 3) axis-angle, radians, about the root joint.
            neck: (*B, 3) likewise, relative to the root.
            jaw: (*B, 3) likewise, relative to the neck.
            eyes: (*B, 6) left, then right eye, relative to the neck.
            translation: (*B, 3) meters, added last.

        Raises:
            InputError: ``code_length`` (more coefficients than modes, or not 3 numbers to a rotation), ``code_type`` (not of
                the head's dtype).
        """
        for part, turn, width in (
            ("global rotation", global_rotation, 3),
            ("neck", neck, 3),
            ("jaw", jaw, 3),
            ("eyes", eyes, 6),
            ("translation", translation, 3),
        ):
            if turn is not None and turn.shape[-1:] != (width,):
                what = f"{part} has shape {tuple(turn.shape)}, expected {width} numbers per item"
                raise InputError("code_length", what, f"head {self.name}")
        self.check_codes(identity=identity, expression=expression)
        left, right = (None, None) if eyes is None else eyes.split(3, dim=-1)
        inputs = (identity, expression, translation, global_rotation, neck, jaw, left, right)
        given = [t for t in inputs if t is not None]
        if any(t.dtype != self.mean.dtype for t in given):
            wrong = next(t.dtype for t in given if t.dtype != self.mean.dtype)
            what = f"an input is {wrong}, but the head is {self.mean.dtype}"
            raise InputError("code_type", what, f"head {self.name}", "convert one of them with .to(dtype=...)")
        batches = {t.shape[:-1] for t in given}
        batch = batches.pop() if len(batches) == 1 else torch.broadcast_shapes(*batches)
        rows = [None if t is None else _rows(t, batch) for t in inputs]
        shape, expressed, shift, *rotations = rows
        if self._compiled(given):
            # only now: it brings the compiler
            from headform.heads.flame._compiled import decode_compiled
            from headform.heads.flame._plan import plan_of

            vertices, joints = decode_compiled(plan_of(self), self._decode, shape, expressed, shift, rotations)
        else:
            vertices, joints = self._decode(shape, expressed, shift, rotations)
        return FlamePose(
            vertices.view(*batch, *vertices.shape[1:]),
            joints.view(*batch, *joints.shape[1:]),
            global_rotation,
            neck,
        )

    def decode(self, code: Coefficients) -> FlamePose:
        """Decode a code of the layout `heads.coefficients.FLAME`; its pose is global rotation, then jaw.

        Texture, camera and light are ignored. Of shape and expression, the first coefficients are used, as many as the head
        has modes.

        Raises:
            InputError: ``code_layout``.
        """
        if code.layout != FLAME:
            raise InputError(
                "code_layout",
                f"the code has the layout {code.layout.name}, expected {FLAME.name}",
                f"head {self.name}",
                "decode it with the head it was made for",
            )
        rotation, jaw = code["pose"].split(3, dim=-1)
        return self.pose(
            code["shape"][..., : len(self.identity)],
            code["expression"][..., : len(self.expression)],
            global_rotation=rotation,
            jaw=jaw,
        )

    def static_landmarks(self, pose: FlamePose) -> Float[Tensor, "*B M 3"]:
        """Return the 51 landmarks that do not depend on the view: all of iBUG but the jaw.

        Raises:
            WeightsError: ``head_lacks``.
        """
        self.require_fields("static_vertices")
        return _on_surface(pose.vertices, self.static_vertices, self.static_weights)

    def contour_bins(self, pose: FlamePose) -> Int[Tensor, "*B"]:
        """Return the yaw bin of the visible jaw line: yaw rounded to degrees, with -1 to -39 following 39. No gradient.

        The yaw is that of root and neck together with its sign reversed, as in `smplx`: negative where the nose points to
        the subject's left. Beyond 39 degrees it is the last bin of its side; NaN gives the first bin.
        """
        turned = torch.eye(3, dtype=pose.vertices.dtype, device=pose.vertices.device)
        for turn in (pose.global_rotation, pose.neck):
            if turn is not None:
                turned = turned @ rotation_from_rotvec(turn.detach())
        turned = turned.expand(*pose.vertices.shape[:-2], 3, 3)
        level = torch.hypot(turned[..., 0, 0], turned[..., 1, 0])
        degrees = -torch.rad2deg(torch.atan2(-turned[..., 2, 0], level))
        degrees = degrees.nan_to_num(0.0).round().clamp(-_WIDEST_BIN, _WIDEST_BIN).long()
        return torch.where(degrees < 0, _WIDEST_BIN - degrees, degrees)

    def contour_landmarks(self, pose: FlamePose) -> Float[Tensor, "*B R 3"]:
        """Return the 17 points of the visible jaw line (`contour_bins`).

        Raises:
            WeightsError: ``head_lacks``.
        """
        self.require_fields("contour_vertices")
        bins = self.contour_bins(pose)
        return _on_surface(pose.vertices, self.contour_vertices[bins], self.contour_weights[bins])

    def landmarks2d(self, pose: FlamePose) -> Float[Tensor, "*B 68 3"]:
        """Return the 68 points as annotated on photos: 17 of the visible jaw line, then 51 static landmarks; meters.

        Raises:
            WeightsError: ``head_lacks``.
        """
        return torch.cat([self.contour_landmarks(pose), self.static_landmarks(pose)], dim=-2)

    def landmarks3d(self, pose: FlamePose) -> Float[Tensor, "*B 68 3"]:
        """Return the 68 points at fixed positions of the surface, jaw included (published full embedding); meters.

        Raises:
            WeightsError: ``head_lacks``.
        """
        return self.landmarks(pose.vertices, offset=False)

    def _compiled(self, given: Sequence[Tensor]) -> bool:
        """Return whether the CPU kernel applies: CPU, single precision, no gradients of the head's own tensors."""
        bases = (self.mean, self.identity, self.expression, self.pose_correctives)
        own = (*bases, self.joint_regressor, self.skinning)
        if torch.compiler.is_compiling() or any(t.requires_grad for t in own):
            return False
        if any(transformed(t) for t in (*own, *given)):
            return False
        return all(t.device.type == "cpu" and t.dtype == torch.float32 for t in (*own, *given))

    def _decode(
        self,
        identity: Float[Tensor, "B I"] | None,
        expression: Float[Tensor, "B E"] | None,
        translation: Float[Tensor, "B 3"] | None,
        turns: Sequence[Float[Tensor, "B 3"] | None],
    ) -> tuple[Float[Tensor, "B V 3"], Float[Tensor, "B J 3"]]:
        """Decode vertices and joints in plain torch, the reference of the kernel."""
        given = (identity, expression, translation, *turns)
        items = next((len(t) for t in given if t is not None), 1)
        shaped = self.vertices(identity, expression).expand(items, -1, -1)
        joints = self.joint_regressor @ shaped
        nothing = shaped.new_zeros(items, 3)
        rotations = rotation_from_rotvec(torch.stack([nothing if turn is None else turn for turn in turns], dim=-2))
        if self.has_field("pose_correctives"):
            shaped = shaped + (pose_feature(rotations) @ self.pose_correctives.flatten(1)).view_as(shaped)
        turned, placed = posed_joints(rotations, joints, self.parents)
        vertices = skinned(shaped, self.skinning, joints, turned, placed)
        if translation is None:
            return vertices, placed
        return vertices + translation[:, None], placed + translation[:, None]


def _rows(tensor: Float[Tensor, "*B N"], batch: torch.Size) -> Float[Tensor, "M N"]:
    """Reshape to a matrix with a row for each item of the batch."""
    if tensor.dim() == 2 and tensor.shape[:-1] == batch:
        return tensor
    width = tensor.shape[-1]
    return tensor.expand(*batch, width).reshape(batch.numel(), width)


def _on_surface(
    vertices: Float[Tensor, "*B V 3"],
    corners: Int[Tensor, "*C M 3"],
    weights: Float[Tensor, "*C M 3"],
) -> Float[Tensor, "*B M 3"]:
    """Interpolate points in triangles, shared by all heads (no axes *C) or per head (*C as *B)."""
    ids = corners.expand(*vertices.shape[:-2], *corners.shape[-2:])
    flat = ids.flatten(-2)[..., None].expand(*ids.shape[:-2], -1, 3)
    points = torch.gather(vertices, -2, flat).unflatten(-2, ids.shape[-2:])
    return (points * weights[..., None]).sum(-2)
