"""Right calls of the public functions above a compiled kernel, on a small mesh: `CALLS`.

Every kernel but those of address arithmetic runs in one of them at least.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from headform.geometry.camera import PerspectiveCamera, PerspectiveCameras, WeakPerspectiveCameras
from headform.graph import (
    BiasedELU,
    BiasedReLU,
    ChebResidual,
    GraphLevels,
    Resample,
    ScaledLaplacian,
    cheb_conv,
    chebyshev_basis,
)
from headform.graph.resample import pooling, unpooling
from headform.images.sampling import bilinear_rows
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.losses import laplacian_loss, region_weighted_loss, symmetry_loss, vertex_loss
from headform.mesh import (
    ClosestPointTree,
    build_hierarchy,
    chart_labels,
    closest_points,
    components,
    decimate,
    edges,
    mirror_map,
    require_manifold,
    simplify,
)
from headform.mesh import vertex_normals as vertex_normals_array
from headform.mesh.scaled_laplacian import scaled_laplacian
from headform.render import (
    Look,
    SeenPixels,
    barycentric_at,
    draw,
    interpolate,
    interpolate_at,
    outline_distance,
    rasterize_batch,
    render_batch,
    sample_texture,
    sample_texture_at,
    shade,
    vertex_normals,
    visible_points,
    visible_vertices,
)
from headform.render.rasterize import rasterize
from headform.render.unwrapping import unwrap
from tests.mesh.surfaces import face_sheet, sphere


@dataclass(frozen=True)
class Call:
    """A right call.

    Attributes:
        function: What is called, with keyword arguments.
        arguments: Its arguments.
        indices: Arguments that hold indices; an index outside must be refused.
        finite: Arguments in which NaN must be refused.
        allowed: Changes that leave a right call, as ``argument: change``.
        empty: Arguments of which an empty one must be refused.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    indices: tuple[str, ...] = ()
    finite: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


SIDE = 24
VERTICES, FACES = face_sheet(7, 9)
COUNT = len(VERTICES)
BALL, BALL_FACES = sphere(6, 8)
LEFT = np.arange(COUNT).reshape(7, 9)[:, ::-1].reshape(-1)
UV = (VERTICES[:, :2] / [0.16, 0.22] + 0.5).astype(np.float32)
TEXTURE = np.random.default_rng(0).integers(0, 255, (5, 4, 3)).astype(np.uint8)
CAMERA = PerspectiveCamera.frontal(60.0, (SIDE, SIDE), 0.5)
POINTS = CAMERA.project(VERTICES)
FRAGMENTS = rasterize(POINTS, FACES, SIDE, SIDE)
LAPLACIAN = ScaledLaplacian.from_csr(scaled_laplacian(FACES, COUNT))
KEPT = np.arange(0, COUNT, 2)
V, F = torch.from_numpy(np.stack([VERTICES, 1.1 * VERTICES])).float(), torch.from_numpy(FACES)
P = torch.from_numpy(np.stack([POINTS, POINTS])).float()
SEEN = SeenPixels.of(rasterize_batch(P, F, SIDE, SIDE).face_index)
WEIGHTS = barycentric_at(P, F, SEEN)
CAMERAS = PerspectiveCameras.of(CAMERA, CAMERA)
NOISE = torch.Generator().manual_seed(0)


def draw_numbers(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=NOISE)


def backward(function: Callable[..., Any], **arguments: Any) -> Any:
    """Result of a function, and its gradients by every floating-point tensor."""
    leaves = {
        n: a.clone().requires_grad_()
        for n, a in arguments.items()
        if isinstance(a, torch.Tensor) and a.is_floating_point()
    }
    result = function(**(arguments | leaves))
    if leaves:
        total = sum((r * r).sum() for r in (result if isinstance(result, tuple) else (result,)))
        return result, torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return result


def operator(matrix: Any, kind: Any, columns: int | None = None) -> dict[str, Any]:
    made = kind.from_csr(matrix)
    found = {"crow_indices": made.crow_indices, "col_indices": made.col_indices, "values": made.values}
    return found if columns is None else found | {"in_vertices": columns}


def applied(crow_indices: Any, col_indices: Any, values: Any, in_vertices: int) -> Any:
    return Resample(crow_indices, col_indices, values, in_vertices)(torch.ones(in_vertices, 16))


def convolved(crow_indices: Any, col_indices: Any, values: Any) -> Any:
    lap = ScaledLaplacian(crow_indices, col_indices, values)
    return cheb_conv(torch.ones(1, COUNT, 16), torch.ones(3, 16, 16), None, lap)


def levels(kept: Any) -> Any:
    down = pooling(kept, COUNT)
    coarse = ScaledLaplacian.from_csr(scaled_laplacian(FACES[:1] * 0, down.out_vertices))
    return GraphLevels([LAPLACIAN, coarse], [down], [Resample.from_csr(down.to_scipy().T.tocsr())]).counts


def raster(points: Any, faces: Any) -> Any:
    return rasterize(points, faces, SIDE, SIDE)


def raster_batch(points: Any, faces: Any, perspective: bool, backend: str) -> Any:
    return rasterize_batch(points, faces, SIDE, SIDE, perspective=perspective, backend=backend)


def rendered(vertices: Any, faces: Any, **rest: Any) -> Any:
    out = render_batch(vertices, faces, rest.pop("camera", CAMERAS), (SIDE, SIDE), **rest)
    return out.rgb, out.depth, out.normals


def drawn(**parts: Any) -> Any:
    return draw(TriangleMesh(**parts), CAMERA, (SIDE, SIDE), Look(supersample=1)).over()


_MESH = {"vertices": VERTICES, "faces": FACES}
_WIDE = {"x": draw_numbers(2, COUNT, 16), "weight": draw_numbers(4, 16, 32), "bias": draw_numbers(32), "lap": LAPLACIAN}
_NARROW = {"x": draw_numbers(2, COUNT, 16), "weight": draw_numbers(4, 16, 3), "bias": draw_numbers(3), "lap": LAPLACIAN}
_FEW = {"x": draw_numbers(2, COUNT, 3), "weight": draw_numbers(4, 3, 16), "bias": draw_numbers(16), "lap": LAPLACIAN}
_ANY_BATCH = ("x: two axes more",)
_ANY_LENGTH = ("kept: narrower", "kept: wider", "kept: no columns")

ADDRESSES = ("cheb_conv wide", "cheb_conv narrow", "cheb_conv few", "laplacian", "residual", "resampled")
"""Calls whose kernels work on addresses, which numba's bounds checks do not see."""

CALLS: dict[str, Call] = {
    "vertex_normals_array": Call(vertex_normals_array, _MESH, ("faces",), ("vertices",), ("vertices: int",)),
    "edges": Call(edges, {"faces": FACES}),
    "components": Call(components, {"faces": FACES, "count": COUNT}, ("faces",)),
    "chart_labels": Call(chart_labels, {"uv_faces": FACES, "count": COUNT}, ("uv_faces",)),
    "mirror_map": Call(
        lambda vertices: mirror_map(vertices, FACES, tolerance=0.01), {"vertices": VERTICES}, (), ("vertices",)
    ),
    "mirror_map polygons": Call(
        lambda polygons: mirror_map(VERTICES, polygons, tolerance=0.01),
        {"polygons": FACES},
        ("polygons",),
        # sequences of any length are polygons
        allowed=(
            "polygons: list",
            "polygons: tuple",
            "polygons: wider",
            "polygons: turned",
            "polygons: other library",
            "polygons: object",
        ),
    ),
    "require_manifold": Call(require_manifold, {"faces": FACES, "count": COUNT}, ("faces",), empty=("faces",)),
    "scaled_laplacian": Call(scaled_laplacian, {"faces": FACES, "count": COUNT}, ("faces",)),
    "closest_points": Call(
        closest_points, _MESH | {"points": VERTICES[:20] + 0.01}, ("faces",), ("vertices", "points"), empty=("faces",)
    ),
    "decimate": Call(decimate, _MESH | {"target": 20}, ("faces",), ("vertices",), empty=("vertices",)),
    "simplify": Call(
        simplify,
        {
            "shapes": np.stack([VERTICES, 1.1 * VERTICES]),
            "faces": FACES,
            "target": 30,
            "mirror": LEFT,
            "uv": UV,
            "uv_faces": FACES,
            "weight": np.ones(COUNT),
            "keep": np.arange(COUNT) < 9,
        },
        ("faces", "uv_faces", "mirror"),
        ("shapes", "uv", "weight"),
        empty=("shapes",),
    ),
    "build_hierarchy coma": Call(
        lambda vertices, faces: build_hierarchy(vertices, faces, (2, 2)).to_tensors(),
        _MESH,
        ("faces",),
        ("vertices",),
        empty=("vertices", "faces"),
    ),
    "build_hierarchy symmetric": Call(
        lambda keep, mirror, **mesh: build_hierarchy(
            **mesh, factors=(2,), rule="symmetric", keep=keep, mirror=mirror
        ).to_tensors(),
        _MESH | {"keep": np.arange(COUNT) < 2, "mirror": LEFT},
        ("faces", "mirror"),
        ("vertices",),
        empty=("vertices", "faces"),
    ),
    "resample": Call(
        applied,
        operator(unpooling(np.stack([KEPT % 8] * 3, 1), np.full((len(KEPT), 3), 1 / 3), 8).to_scipy(), Resample, 8),
        ("crow_indices", "col_indices"),
        ("values",),
    ),
    "pooling": Call(
        lambda kept: backward(pooling(kept, COUNT), x=torch.ones(2, COUNT, 5)),
        {"kept": KEPT},
        ("kept",),
        allowed=_ANY_LENGTH,
    ),
    "laplacian": Call(
        convolved,
        operator(scaled_laplacian(FACES, COUNT), ScaledLaplacian),
        ("crow_indices", "col_indices"),
        ("values",),
    ),
    "resampled": Call(
        lambda x: backward(pooling(KEPT, COUNT), x=x),
        {"x": draw_numbers(2, COUNT, 16)},
        allowed=_ANY_BATCH + ("x: narrower", "x: wider", "x: no columns"),
    ),
    "cheb_conv wide": Call(lambda **a: backward(cheb_conv, **a), _WIDE, allowed=(*_ANY_BATCH, "weight: wider")),
    "cheb_conv narrow": Call(lambda **a: backward(cheb_conv, **a), _NARROW, allowed=_ANY_BATCH),
    "cheb_conv few": Call(lambda **a: backward(cheb_conv, **a, rectify=True), _FEW, allowed=_ANY_BATCH),
    "chebyshev_basis": Call(
        chebyshev_basis,
        {"x": draw_numbers(2, COUNT, 3), "lap": LAPLACIAN, "num_terms": 3},
        allowed=(*_ANY_BATCH, "x: narrower", "x: wider", "x: no columns"),
    ),
    "residual": Call(
        lambda x: ChebResidual(3, 3, 2)(x, LAPLACIAN).shape, {"x": draw_numbers(2, COUNT, 3)}, allowed=_ANY_BATCH
    ),
    "biased_relu": Call(lambda x: BiasedReLU(5)(x), {"x": draw_numbers(2, 4, 5)}, allowed=_ANY_BATCH),
    "biased_elu": Call(lambda x: BiasedELU(5)(x), {"x": draw_numbers(2, 4, 5)}, allowed=_ANY_BATCH),
    "levels": Call(
        levels,
        {"kept": KEPT},
        ("kept",),
        allowed=("kept: narrower", "kept: wider"),
    ),
    "rasterize": Call(raster, {"points": POINTS, "faces": FACES}, ("faces",)),
    "rasterize_batch": Call(
        raster_batch, {"points": P, "faces": F, "perspective": True, "backend": "kernel"}, ("faces",)
    ),
    "rasterize_batch torch": Call(
        raster_batch, {"points": P, "faces": F, "perspective": False, "backend": "torch"}, ("faces",)
    ),
    "vertex_normals": Call(
        lambda **a: backward(vertex_normals, **a),
        {"vertices": V, "faces": F},
        ("faces",),
        allowed=("vertices: two axes more",),
    ),
    "vertex_normals float16": Call(lambda faces: vertex_normals(V.half(), faces), {"faces": F}, ("faces",)),
    "barycentric_at": Call(
        lambda points, faces: backward(lambda points: barycentric_at(points, faces, SEEN), points=points),
        {"points": P, "faces": F},
        ("faces",),
    ),
    "interpolate_at": Call(
        lambda attributes, attribute_faces, weights: backward(
            lambda attributes, weights: interpolate_at(attributes, attribute_faces, SEEN, weights),
            attributes=attributes,
            weights=weights,
        ),
        {"attributes": V, "attribute_faces": F, "weights": WEIGHTS},
        ("attribute_faces",),
        allowed=("attributes: narrower", "attributes: wider", "attributes: no columns"),
    ),
    "interpolate": Call(
        interpolate,
        {
            "attributes": V[0],
            "attribute_faces": F,
            "face_index": torch.from_numpy(FRAGMENTS.face_index),
            "barycentric": torch.from_numpy(FRAGMENTS.barycentric),
        },
        ("attribute_faces",),
        allowed=("attributes: narrower", "attributes: wider", "attributes: no columns", "face_index: uint8"),
    ),
    "render_batch": Call(
        lambda light, attributes, background, **a: backward(
            lambda **b: rendered(**b, background=background), **a, light=light, attributes=attributes
        ),
        {
            "vertices": V,
            "faces": F,
            "attributes": draw_numbers(1, COUNT, 3),
            "light": draw_numbers(2, 9, 3),
            "background": draw_numbers(1, 3, SIDE, SIDE),
        },
        ("faces",),
    ),
    "render_batch texture": Call(
        rendered,
        {
            "vertices": V,
            "faces": F,
            "texture": draw_numbers(1, 3, 4, 5),
            "uv": torch.from_numpy(UV),
            "uv_faces": F,
            "camera": WeakPerspectiveCameras(torch.ones(2), torch.zeros(2, 2)),
        },
        ("faces", "uv_faces"),
        allowed=("texture: narrower", "texture: wider"),
    ),
    "seen": Call(
        lambda face_index: SeenPixels.of(face_index).flat,
        {"face_index": torch.from_numpy(FRAGMENTS.face_index)[None]},
        allowed=("face_index: narrower", "face_index: wider", "face_index: no columns", "face_index: uint8"),
    ),
    "sample_texture_at": Call(
        lambda texture, uv: sample_texture_at(texture, uv, SEEN),
        {"texture": draw_numbers(1, 3, 4, 5), "uv": torch.rand(len(SEEN.flat), 2, generator=NOISE)},
        allowed=("texture: narrower", "texture: wider"),
    ),
    "shade": Call(
        shade,
        {"albedo": draw_numbers(4, 3), "normals": draw_numbers(4, 3), "light": draw_numbers(9, 3)},
        allowed=("albedo: two axes more", "normals: two axes more"),
    ),
    "visible_points": Call(
        lambda **a: visible_points(fragments=FRAGMENTS, **a),
        {"query": POINTS, "points": POINTS, "faces": FACES},
        ("faces",),
    ),
    "visible_vertices": Call(
        lambda points, faces: visible_vertices(points, faces, SIDE, SIDE),
        {"points": POINTS, "faces": FACES},
        ("faces",),
    ),
    "outline_distance": Call(
        lambda depth: outline_distance(depth, step=0.01, reach=5.0),
        {"depth": FRAGMENTS.depth},
        allowed=("depth: turned", "depth: narrower", "depth: wider", "depth: no columns"),
    ),
    "unwrap": Call(lambda uv, uv_faces: unwrap(uv, uv_faces, SIDE), {"uv": UV, "uv_faces": FACES}, ("uv_faces",)),
    "sample_texture": Call(
        sample_texture, {"texture": TEXTURE, "uv": UV, "repeat": True}, (), ("uv",), allowed=("uv: two axes more",)
    ),
    "bilinear_rows": Call(
        bilinear_rows,
        {"image": TEXTURE, "points": 3 * UV, "table": np.arange(256.0)},
        (),
        ("points",),
        empty=("image",),
    ),
    "draw": Call(
        drawn,
        _MESH | {"uv": UV.astype(np.float64), "uv_faces": FACES, "texture": TEXTURE},
        ("faces", "uv_faces"),
        allowed=("uv_faces: index -1",),
    ),
    "draw colors": Call(drawn, _MESH | {"colors": np.abs(VERTICES)}, ("faces",)),
    "laplacian_loss": Call(
        laplacian_loss,
        {"signal": V, "faces": F},
        ("faces",),
        allowed=("signal: narrower", "signal: wider", "signal: no columns"),
    ),
    "symmetry_loss": Call(
        symmetry_loss,
        {"signal": V, "mirror": torch.from_numpy(LEFT.copy())},
        ("mirror",),
        allowed=("signal: narrower", "signal: wider", "signal: no columns"),
    ),
    "vertex_loss": Call(vertex_loss, {"first": V, "second": V + 1}),
    "region_weighted_loss": Call(region_weighted_loss, {"predicted": V, "target": V + 1, "weights": torch.ones(COUNT)}),
    "tree query": Call(ClosestPointTree.of(VERTICES, FACES).query, {"points": VERTICES + 0.01}, (), ("points",)),
    "tree of a ball": Call(
        lambda vertices, faces: ClosestPointTree.of(vertices, faces).query(VERTICES),
        {"vertices": BALL, "faces": BALL_FACES},
        ("faces",),
        ("vertices",),
        empty=("faces",),
    ),
}
