"""Compiled inner loops of the generator: normals, cast shadows, shading of vertices.

V vertices, F faces, N lamps, S side of the picture (rendered at 2S), T side of a shadow map.
"""

import typing

import numpy as np

from headform.kernels.jit import njit


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def vertex_normals_into(verts, faces, normals):
    """Area-weighted unit normals, as `mesh.normals`; verts (V, 3), faces (F, 3), normals (V, 3) written."""
    # A copy on purpose: in place and in single precision it takes 0.3 ms for the open head, the NumPy one 4 ms.
    normals[:] = 0
    one, tiny = np.float32(1), np.float32(1e-24)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux = verts[b, 0] - verts[a, 0]
        uy = verts[b, 1] - verts[a, 1]
        uz = verts[b, 2] - verts[a, 2]
        wx = verts[c, 0] - verts[a, 0]
        wy = verts[c, 1] - verts[a, 1]
        wz = verts[c, 2] - verts[a, 2]
        x = uy * wz - uz * wy
        y = uz * wx - ux * wz
        z = ux * wy - uy * wx
        for k in (a, b, c):
            normals[k, 0] += x
            normals[k, 1] += y
            normals[k, 2] += z
    for i in range(normals.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        r = one / np.sqrt(x * x + y * y + z * z + tiny)
        normals[i, 0] = x * r
        normals[i, 1] = y * r
        normals[i, 2] = z * r


@njit(nogil=True)
@typing.no_type_check
def cast_shadow(verts, faces, direction, extent, bias, depth, lit):
    """Compute the share of a distant lamp's light that reaches each vertex.

    verts (V, 3) camera frame; direction (3,) toward the lamp; extent meters of the square map's half side around
    the vertices' own origin; depth (T, T) scratch; lit (V,) written, 0 shadowed to 1 lit (3 x 3 soft edge).
    """
    seen = np.empty((verts.shape[0], 3), np.float32)
    _cast_shadow(verts, faces, direction, np.float32(extent), np.float32(bias), depth, seen, lit)


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def _cast_shadow(verts, faces, direction, extent, bias, depth, seen, lit):
    """`cast_shadow` with scratch: seen (V, 3), positions in the map and toward the lamp."""
    zero, half, one = np.float32(0), np.float32(0.5), np.float32(1)
    side = depth.shape[0]
    dx, dy, dz = np.float32(direction[0]), np.float32(direction[1]), np.float32(direction[2])
    # an orthonormal frame around the direction
    if abs(dy) < np.float32(0.9):
        ax, ay, az = dz, zero, -dx
    else:
        ax, ay, az = zero, -dz, dy
    r = one / np.sqrt(ax * ax + ay * ay + az * az)
    ax, ay, az = ax * r, ay * r, az * r
    bx = dy * az - dz * ay
    by = dz * ax - dx * az
    bz = dx * ay - dy * ax
    depth[:] = np.float32(-1e9)
    middle = np.float32(side) * half
    scale = middle / extent
    for i in range(verts.shape[0]):
        x, y, z = verts[i, 0], verts[i, 1], verts[i, 2]
        seen[i, 0] = (x * ax + y * ay + z * az) * scale + middle
        seen[i, 1] = (x * bx + y * by + z * bz) * scale + middle
        seen[i, 2] = x * dx + y * dy + z * dz
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, x1, x2 = seen[a, 0], seen[b, 0], seen[c, 0]
        left = max(0, int(min(x0, x1, x2) + half))
        right = min(side - 1, int(max(x0, x1, x2) - half))
        y0, y1, y2 = seen[a, 1], seen[b, 1], seen[c, 1]
        top = max(0, int(min(y0, y1, y2) + half))
        bottom = min(side - 1, int(max(y0, y1, y2) - half))
        if right < left or bottom < top:
            continue
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < np.float32(1e-9):
            continue
        inverse = one / area
        a1, b1 = (y2 - y0) * inverse, (x0 - x2) * inverse
        a2, b2 = (y0 - y1) * inverse, (x1 - x0) * inverse
        z0 = seen[a, 2]
        d1, d2 = seen[b, 2] - z0, seen[c, 2] - z0
        dx = np.float32(left) + half - x0
        for row in range(top, bottom + 1):
            dy = np.float32(row) + half - y0
            w1, w2 = a1 * dx + b1 * dy, a2 * dx + b2 * dy
            for column in range(left, right + 1):
                z = z0 + w1 * d1 + w2 * d2
                known = depth[row, column]
                nearer = (min(w1, w2, one - w1 - w2) >= zero) & (z > known)
                depth[row, column] = z if nearer else known
                w1 += a1
                w2 += a2
    ninth = np.float32(1 / 9)
    for i in range(verts.shape[0]):
        column, row = int(seen[i, 0]), int(seen[i, 1])
        z = seen[i, 2] + bias
        free = 0
        if row > 0 and column > 0 and row < side - 1 and column < side - 1:
            for r0 in range(row - 1, row + 2):
                for c0 in range(column - 1, column + 2):
                    free += depth[r0, c0] < z
        else:
            for r0 in range(row - 1, row + 2):
                for c0 in range(column - 1, column + 2):
                    if r0 < 0 or c0 < 0 or r0 >= side or c0 >= side or depth[r0, c0] < z:
                        free += 1
        lit[i] = np.float32(free) * ninth


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def shade(normals, albedo, gloss, occlusion, lit, ambient, directions, colors, hardness, shininess, out):
    """Radiance toward the camera per vertex; the camera looks along +z, all in the camera frame.

    Ambient light is a 9-coefficient polynomial of the normal; lamps wrap a little round the edge, red most, as skin
    does; highlights are Blinn-Phong. Everything linear RGB; out (V, 3) written.
    """
    for i in range(normals.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        shine = 0.0
        for c in range(3):
            light = ambient[0, c] + ambient[1, c] * y + ambient[2, c] * z + ambient[3, c] * x
            light += ambient[4, c] * x * y + ambient[5, c] * y * z + ambient[6, c] * (3 * z * z - 1)
            light += ambient[7, c] * x * z + ambient[8, c] * (x * x - y * y)
            out[i, c] = max(light, 0.01) * occlusion[i]
        spec0 = 0.0
        spec1 = 0.0
        spec2 = 0.0
        for k in range(directions.shape[0]):
            cosine = x * directions[k, 0] + y * directions[k, 1] + z * directions[k, 2]
            free = 1.0 - hardness * (1.0 - lit[k, i])
            for c in range(3):
                wrap = 0.22 - 0.07 * c
                diffuse = (cosine + wrap) / (1 + wrap)
                if diffuse > 0:
                    out[i, c] += colors[k, c] * diffuse * free
            if cosine > -0.1:
                hx = directions[k, 0]
                hy = directions[k, 1]
                hz = directions[k, 2] - 1.0
                r = 1.0 / (hx * hx + hy * hy + hz * hz + 1e-9) ** 0.5
                half = (x * hx + y * hy + z * hz) * r
                if half > 0:
                    shine = gloss[i] * half**shininess * free
                    spec0 += shine * colors[k, 0]
                    spec1 += shine * colors[k, 1]
                    spec2 += shine * colors[k, 2]
        out[i, 0] = out[i, 0] * albedo[i, 0] + spec0
        out[i, 1] = out[i, 1] * albedo[i, 1] + spec1
        out[i, 2] = out[i, 2] * albedo[i, 2] + spec2
