"""Compiled lighting of vertices: irradiance and specular radiance, of skin and of strands of hair.

W vertices, F triangles, N lamps. Linear RGB; the camera looks along +z, all in the camera frame.
"""

import typing

import numpy as np

from headform.kernels.jit import njit

_FAINT = np.float32(1e-5)  # highlight, linear, of which no pixel of 8 bits shows anything


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def light_vertices(
    normals, tangents, strands, gloss, occlusion, lit, ambient, directions, colors, softness, hardness, shininess,
    light, shine,
):  # fmt: skip
    """Compute the light that reaches each vertex and what it mirrors to the camera.

    Ambient light is a 9-coefficient polynomial of the normal; lamps wrap a little round the edge, red most, as skin does,
    and more the larger they are; highlights are Blinn-Phong on surfaces and Kajiya-Kay on strands ("Rendering Fur with Three
    Dimensional Textures", 1989).

    normals, tangents (W, 3), tangents used where `strands` (W,) is true; gloss, occlusion (W,); lit (N, W) 0..1; ambient
    (9, 3); directions, colors (N, 3); softness (N,) 0 sharp to 1; light (irradiance over pi), shine (W, 3) written.
    """
    zero, one, half, most = np.float32(0), np.float32(1), np.float32(0.5), np.float32(0.35)
    for i in range(normals.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        mirrored = zero if strands[i] else np.float32(0.25) * gloss[i] * (one + z)
        for c in range(3):
            value = ambient[0, c] + ambient[1, c] * y + ambient[2, c] * z + ambient[3, c] * x
            value += ambient[4, c] * x * y + ambient[5, c] * y * z + ambient[6, c] * (np.float32(3) * z * z - one)
            value += ambient[7, c] * x * z + ambient[8, c] * (x * x - y * y)
            value = max(value, np.float32(0.01)) * occlusion[i]
            light[i, c] = value
            shine[i, c] = mirrored * value
    for k in range(directions.shape[0]):
        lx, ly, lz = directions[k, 0], directions[k, 1], directions[k, 2]
        r = one / np.sqrt(lx * lx + ly * ly + (lz - one) * (lz - one) + np.float32(1e-9))
        hx, hy, hz = lx * r, ly * r, (lz - one) * r
        soft = softness[k]
        sharp, fine = shininess * (one - np.float32(0.6) * soft), np.float32(0.9) * shininess
        # powers of what is less than these are too faint to be seen
        least, least_fine = _FAINT ** (one / sharp), _FAINT ** (one / fine)
        for i in range(normals.shape[0]):
            x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
            cosine = x * lx + y * ly + z * lz
            free = (one - hardness * (one - lit[k, i])) * (most + (one - most) * occlusion[i])
            narrow, gleam = one, zero
            if strands[i]:
                tx, ty, tz = tangents[i, 0], tangents[i, 1], tangents[i, 2]
                along = tx * lx + ty * ly + tz * lz
                narrow = most + (one - most) * np.sqrt(max(zero, one - along * along))
                across = tx * hx + ty * hy + tz * hz
                across = one - across * across
                if cosine > np.float32(-0.3) and across > least_fine:
                    gleam = across**fine * min(one, cosine + np.float32(0.3))
            elif cosine > np.float32(-0.1):
                middle = x * hx + y * hy + z * hz
                if middle > least:
                    gleam = middle**sharp
            gleam *= gloss[i] * free
            for c in range(3):
                wrap = np.float32(0.20) - np.float32(0.07) * np.float32(c) + np.float32(0.3) * soft
                diffuse = max(cosine + wrap, zero) / ((one + wrap) * (one + half * wrap))
                light[i, c] += colors[k, c] * diffuse * free * narrow
                shine[i, c] += gleam * colors[k, c]


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def face_camera(normals, first):
    """Turn normals (W, 3), those from the number `first` on, to the camera: both sides of a piece are drawn."""
    for i in range(first, normals.shape[0]):
        if normals[i, 2] > np.float32(0):
            for n in range(3):
                normals[i, n] = -normals[i, n]


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def lift_normals(positions, middle, normals):
    """Overwrite the normals (P, 3) of strands at positions (P, 3) by ones that mostly point away from middle (3,)."""
    one, share, tiny = np.float32(1), np.float32(0.4), np.float32(1e-18)
    for i in range(positions.shape[0]):
        x, y, z = positions[i, 0] - middle[0], positions[i, 1] - middle[1], positions[i, 2] - middle[2]
        r = one / np.sqrt(x * x + y * y + z * z + tiny)
        x = x * r + share * normals[i, 0]
        y = y * r + share * normals[i, 1]
        z = z * r + share * normals[i, 2]
        r = one / np.sqrt(x * x + y * y + z * z + tiny)
        normals[i, 0], normals[i, 1], normals[i, 2] = x * r, y * r, z * r


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def strand_tangents(verts, faces, uv, tangents):
    """Unit tangents along falling v of the texture, the direction in which strands grow; tangents (P, 3) written."""
    tangents[:] = 0
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        du1, dv1 = uv[j, 0] - uv[i, 0], uv[j, 1] - uv[i, 1]
        du2, dv2 = uv[k, 0] - uv[i, 0], uv[k, 1] - uv[i, 1]
        area = du1 * dv2 - du2 * dv1
        sign = np.float32(-1) if area > np.float32(0) else np.float32(1)
        for n in range(3):
            a, b = verts[j, n] - verts[i, n], verts[k, n] - verts[i, n]
            along = sign * (b * du1 - a * du2)
            tangents[i, n] += along
            tangents[j, n] += along
            tangents[k, n] += along
    for i in range(tangents.shape[0]):
        x, y, z = tangents[i, 0], tangents[i, 1], tangents[i, 2]
        r = np.float32(1) / np.sqrt(x * x + y * y + z * z + np.float32(1e-24))
        tangents[i, 0] = x * r
        tangents[i, 1] = y * r
        tangents[i, 2] = z * r


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def project(vertices, center, rotation, distance, to_raster, in_camera, flat):
    """Turn vertices (W, 3) to the camera and project them.

    rotation (3, 3) of the head about center (3,), which lies at a distance; to_raster (2, 3) similarity from the
    normalized image plane; in_camera (W, 3) positions about the center and flat (W, 3), raster pixels and depth, are
    written. Everything float32.
    """
    for i in range(vertices.shape[0]):
        x, y, z = vertices[i, 0] - center[0], vertices[i, 1] - center[1], vertices[i, 2] - center[2]
        cx = rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z
        cy = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z
        cz = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z
        in_camera[i, 0], in_camera[i, 1], in_camera[i, 2] = cx, cy, cz
        depth = cz + distance
        r = np.float32(1) / depth
        flat[i, 0] = (to_raster[0, 0] * cx + to_raster[0, 1] * cy) * r + to_raster[0, 2]
        flat[i, 1] = (to_raster[1, 0] * cx + to_raster[1, 1] * cy) * r + to_raster[1, 2]
        flat[i, 2] = depth


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def fill_background(index, background, scale, radiance, shown):
    """Write a linear background (B, B, 3), stretched, times `scale` where the raster (R, R) shows nothing, class 0."""
    side, rows = index.shape[0], background.shape[0]
    for row in range(side):
        y = row * rows // side
        x, rest = 0, 0
        for column in range(side):
            if index[row, column] < 0:
                for n in range(3):
                    radiance[row, column, n] = background[y, x, n] * scale
                shown[row, column] = 0
            rest += rows
            while rest >= side:
                rest -= side
                x += 1
