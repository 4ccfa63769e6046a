"""Albedo of one person under several lights: how far the recovered colors differ, and how far they are from the scan's.

Run:

    python -m benchmarks.albedo_lights [--scan SCAN.obj] [--lights 5] [--yaws 0 20] [--seed N] [--sheet PICTURE]

A scan with a texture is photographed in each view under each light (`synth.scan_photos`: even light, then one to three lamps
with shadows and highlights; with `--panoramas` panoramas that ship), every photo is reconstructed, and the colors of the
face's skin are read at the vertices that the photo shows: of the albedo texture, of the photo's own texture (the projected
photo), and of the model's albedo code. Prints median CIEDE2000

- between lights: of all pairs of lights, at the vertices that both photos show, as they are and after one gain a channel;
- to the scan: to its texture at the closest points of its surface, after one gain a channel, since the exposure of a photo
  is arbitrary. Heads are aligned to the scan by seven landmarks, with scale.
"""

from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Bool, Float64, UInt8
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from benchmarks.environment import default_data
from headform import Reconstruction, Reconstructor
from headform.errors import UsageError
from headform.evaluate.rendered_scans.scan_subjects import ScanSubject, landmark_finder, read_scan
from headform.evaluate.tables import markdown_table
from headform.fit.plain_skin import face_skin
from headform.geometry.similarity import fit_similarity
from headform.heads.linear import LinearHead
from headform.images.transfer import linear_from_srgb, srgb_from_linear
from headform.mesh.closest_point import ClosestPointTree
from headform.mesh.normals import vertex_normals
from headform.render.texture_sampling import sample_texture, vertex_colors
from headform.render.visibility import visible_vertices
from headform.synth.light import Lighting
from headform.synth.panoramas import ambient_of, camera_rotation, load_environments
from headform.synth.scan_photos import View, lights, photograph
from headform.viz.contact_sheets import write_sheet

SCAN = Path("scans/lee_perry_smith/LeePerrySmith.obj")
SIDE, DISTANCE, FILL = 512, 0.8, 0.5
"""Side of the photos, pixels; distance of the camera, meters; share of the photo's side that the face takes."""
FACING = 0.5
"""Cosine to the view from which a vertex is measured: textures keep photos in full from 0.6 on."""
KINDS = ("albedo texture", "projected photo", "albedo code")


@dataclass(frozen=True)
class Arguments:
    """Scan, views and lights."""

    scan: Path = field(default_factory=lambda: default_data() / SCAN)
    lights: int = 5
    yaws: tuple[float, ...] = (0.0, 20.0)
    seed: int = 1
    panoramas: bool = False
    sheet: Path | None = None


@dataclass(frozen=True, eq=False)
class Colors:
    """Colors of one reconstruction at the vertices, linear RGB.

    Attributes:
        seen: (V,) skin of the face that the photo shows.
        kinds: (V, 3) by name of `KINDS`.
        truth: (V, 3) of the scan, at the closest points.
    """

    seen: Bool[np.ndarray, " V"]
    kinds: dict[str, Float64[np.ndarray, "V 3"]]
    truth: Float64[np.ndarray, "V 3"]


def main(arguments: Arguments) -> None:
    """Photograph, reconstruct, measure, print."""
    reconstructor = Reconstructor.load()
    subject = read_scan(arguments.scan, landmark_finder(), reconstructor.head)
    found: dict[tuple[float, int], Colors] = {}
    tiles = []
    for yaw in arguments.yaws:
        row = []
        for number, light in enumerate(lightings(arguments)):
            view = View(yaw, 0.0, 0.0, DISTANCE, FILL)
            photo, _ = photograph(subject.placed, view, light, side=SIDE, seed=arguments.seed)
            result = reconstructor.reconstruct(photo)[0]
            found[yaw, number] = colors_of(result, subject)
            row.append(photo)
            if result.albedo_texture is not None:
                row.append(np.asarray(Image.fromarray(result.albedo_texture).resize((SIDE, SIDE))))
        tiles.append(np.concatenate(row, axis=1))
    if arguments.sheet is not None:
        write_sheet(np.concatenate(tiles), arguments.sheet)
    print(f"{arguments.scan.stem}, {arguments.lights} lights, yaws {arguments.yaws}, seed {arguments.seed}\n")
    print(markdown_table(["median CIEDE2000", "between lights", "after gains", "to the scan"], table(found)))


def lightings(arguments: Arguments) -> tuple[Lighting, ...]:
    """Return the lights: even, then drawn lamps, or panoramas."""
    if not arguments.panoramas:
        return lights(arguments.lights, arguments.seed)
    environments = load_environments()
    rng = np.random.default_rng((arguments.seed, 4))
    chosen = []
    for number in rng.choice(len(environments), arguments.lights, replace=False):
        turn, place = camera_rotation(rng.uniform(0, 2 * np.pi), 0.0), environments[number]
        suns = place.sun_directions @ turn.T, place.sun_colors
        chosen.append(
            Lighting(ambient_of(place, turn).astype(np.float32), *(s.astype(np.float32) for s in suns), 0.8, 20.0)
        )
    return tuple(chosen)


def table(found: dict[tuple[float, int], Colors]) -> list[list[object]]:
    """Return a row for each kind of color."""
    rows: list[list[object]] = []
    for kind in KINDS:
        plain, gained, scan = [], [], []
        for (view, a), (other, b) in combinations(found, 2):
            if view == other:
                first, second = found[view, a], found[view, b]
                both = first.seen & second.seen
                pair = first.kinds[kind][both], second.kinds[kind][both]
                plain.append(median_difference(*pair))
                gained.append(median_difference(gain_to(*pair), pair[1]))
        for each in found.values():
            truth = each.truth[each.seen]
            scan.append(median_difference(gain_to(each.kinds[kind][each.seen], truth), truth))
        rows.append([kind, *(f"{np.mean(values):.2f}" for values in (plain, gained, scan))])
    return rows


def colors_of(result: Reconstruction, subject: ScanSubject) -> Colors:
    """Read all colors of one reconstruction."""
    head = result.head
    code = head.albedo_of(torch.from_numpy(np.asarray(result.albedo_code)).float()).double().numpy()
    textures = {"albedo texture": result.albedo_texture, "projected photo": result.texture}
    kinds = {name: _at_vertices(head, texture) for name, texture in textures.items() if texture is not None}
    return Colors(_seen(result), {**kinds, "albedo code": code}, _scan_colors(result, subject))


def gain_to(colors: Float64[np.ndarray, "N 3"], target: Float64[np.ndarray, "N 3"]) -> Float64[np.ndarray, "N 3"]:
    """Return the colors, linear RGB, with the median of each channel brought to the target's."""
    return np.asarray(colors * (np.median(target, axis=0) / np.maximum(np.median(colors, axis=0), 1e-6)))


def median_difference(first: Float64[np.ndarray, "N 3"], second: Float64[np.ndarray, "N 3"]) -> float:
    """Return the median CIEDE2000 of colors in linear RGB."""
    labs = (rgb2lab(srgb_from_linear(torch.from_numpy(np.clip(each, 0, 1))).numpy()) for each in (first, second))
    return float(np.median(deltaE_ciede2000(*labs)))


def _at_vertices(head: LinearHead, texture: UInt8[np.ndarray, "S S 3"]) -> Float64[np.ndarray, "V 3"]:
    corners = head.faces.numpy(), head.uv_faces.numpy()
    srgb = vertex_colors(texture, head.uv.numpy(), *corners, len(head.mean))
    return np.asarray(linear_from_srgb(torch.from_numpy(srgb)).numpy())


def _seen(result: Reconstruction) -> Bool[np.ndarray, " V"]:
    faces = result.head.faces.numpy()
    width, height = result.image_size
    shown = visible_vertices(result.camera.project(result.vertices), faces, height, width)
    facing = -(vertex_normals(result.vertices, faces) @ result.camera.R.T)[:, 2]
    return np.asarray(shown & (facing > FACING) & face_skin(result.head))


def _scan_colors(result: Reconstruction, subject: ScanSubject) -> Float64[np.ndarray, "V 3"]:
    """Read the scan's colors at the points that are closest to the vertices."""
    mesh = subject.placed.mesh
    marks = result.vertices[result.head.now7.numpy()].astype(np.float64)
    scan7 = subject.placed.placed.inverse().apply(subject.now7)
    moved = fit_similarity(marks, scan7).apply(result.vertices.astype(np.float64))
    near = ClosestPointTree.of(mesh.vertices, mesh.faces).query(moved)
    if mesh.texture is None or mesh.uv is None or mesh.uv_faces is None:
        raise UsageError("scan_untextured", "the scan has no texture", subject.name)
    uv = (mesh.uv[mesh.uv_faces[near.triangle]] * near.weights[..., None]).sum(axis=1)
    srgb = sample_texture(mesh.texture, uv, repeat=True) / 255
    return np.asarray(linear_from_srgb(torch.from_numpy(srgb)).numpy())


if __name__ == "__main__":
    main(tyro.cli(Arguments))
