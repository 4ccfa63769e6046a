"""Compiled: the joints of a FLAME head, forward and backward, item by item in double precision.

M items, J joints, N modes, C numbers in a code. Rotations are axis-angle; matrices act on columns. Nothing is checked here.
"""

import math
import typing

import numpy as np

from headform.kernels.jit import njit


@njit(cache=True, nogil=True)
@typing.no_type_check
def rodrigues_factors(s):
    """sin θ / θ, (1 - cos θ) / θ² and their derivatives with respect to s = θ²."""
    if s < 1e-2:  # Taylor polynomials, error under 1e-15
        return (
            1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72))),
            (1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90)))) / 2,
            -(1 - s / 10 * (1 - s / 28 * (1 - s / 54 * (1 - s / 88)))) / 6,
            -(1 - s / 15 * (1 - s / 37.333333333333336 * (1 - s / 67.5 * (1 - s / 105.6)))) / 24,
        )
    theta = math.sqrt(s)
    half = math.sin(theta / 2) / theta
    sine, cosine = math.sin(theta) / theta, 2 * half * half
    return sine, cosine, (math.cos(theta) - sine) / (2 * s), (sine / 2 - cosine) / s


@njit(cache=True, nogil=True)
@typing.no_type_check
def joints_forward(
    first, last, code, modes, rest_mean, rest_basis, turns, features, parents, shifts, frames, movements, placed
):  # fmt: skip
    """Items `first` to `last`: pose features into `code`, the movement of each joint, and its place.

    Args:
        first: first item.
        last: one past the last.
        code: (M, C) float32; the columns of `modes` are read, those of `features` written.
        modes: (N', 2) column of `code` and row of `rest_basis` of each mode in use.
        rest_mean: (3 J) places of the joints of the mean.
        rest_basis: (N, 3 J) their displacement by each mode.
        turns: (M, J, 3) axis-angle, relative to the parent.
        features: (J) column of the first pose feature of each joint; -1 for none.
        parents: (J) parents, before their children; -1 for the root.
        shifts: (M, 3) float32, added to `placed` alone.
        frames: (M, J, 24), written: rotation relative to the parent 9, in the world 9, place in the world 3, at rest 3.
        movements: (M, J, 12) float32, written: rows of [R | t], which takes a vertex at rest to where the joint wants it.
        placed: (M, J, 3) float32, written: places in the world.
    """
    joints = len(parents)
    rest = np.empty(3 * joints)
    for m in range(first, last):
        rest[:] = rest_mean
        for k in range(len(modes)):
            value = np.float64(code[m, modes[k, 0]])
            row = modes[k, 1]
            for i in range(3 * joints):
                rest[i] += value * rest_basis[row, i]
        for j in range(joints):
            own, world, place, at = _parts(frames[m, j])
            x, y, z = turns[m, j, 0], turns[m, j, 1], turns[m, j, 2]
            s = x * x + y * y + z * z
            sine, cosine, _, _ = rodrigues_factors(s)
            own[0], own[4], own[8] = (
                1 + cosine * (x * x - s),
                1 + cosine * (y * y - s),
                1 + cosine * (z * z - s),
            )
            own[1], own[3] = cosine * x * y - sine * z, cosine * x * y + sine * z
            own[6], own[2] = cosine * x * z - sine * y, cosine * x * z + sine * y
            own[5], own[7] = cosine * y * z - sine * x, cosine * y * z + sine * x
            at[:] = rest[3 * j : 3 * j + 3]
            parent = parents[j]
            if parent < 0:
                world[:] = own
                place[:] = at
            else:
                _, above, place_above, at_above = _parts(frames[m, parent])
                for a in range(3):
                    place[a] = place_above[a]
                    for b in range(3):
                        place[a] += above[3 * a + b] * (at[b] - at_above[b])
                        world[3 * a + b] = 0
                        for c in range(3):
                            world[3 * a + b] += above[3 * a + c] * own[3 * c + b]
            for a in range(3):
                offset = place[a]
                for b in range(3):
                    movements[m, j, 4 * a + b] = world[3 * a + b]
                    offset -= world[3 * a + b] * at[b]
                movements[m, j, 4 * a + 3] = offset
                placed[m, j, a] = place[a] + shifts[m, a]
            if features[j] >= 0:
                for i in range(9):
                    code[m, features[j] + i] = own[i] - (1 if i % 4 == 0 else 0)


@njit(cache=True, nogil=True)
@typing.no_type_check
def _parts(frame):
    return frame[:9], frame[9:18], frame[18:21], frame[21:]


@njit(cache=True, nogil=True)
@typing.no_type_check
def joints_backward(
    first, last, modes, rest_basis, turns, features, parents, frames, grad_movements, grad_placed, grad_code, grad_turns
):  # fmt: skip
    """Items `first` to `last` of the way back; arguments as of `joints_forward`, gradients in double precision.

    Args:
        first: first item.
        last: one past the last.
        modes: as there.
        rest_basis: as there.
        turns: as there.
        features: as there; their columns of `grad_code` are read.
        parents: as there.
        frames: as there.
        grad_movements: (M, J, 12).
        grad_placed: (M, J, 3).
        grad_code: (M, C); what the joints add is added to the columns of `modes`.
        grad_turns: (M, J, 3), written.
    """
    joints = len(parents)
    grad_worlds, grad_places = np.empty((joints, 9)), np.empty((joints, 3))
    grad_rest, grad_own = np.empty((joints, 3)), np.empty(9)
    for m in range(first, last):
        for j in range(joints):  # movement = [world | place - world at]
            _, world, _, at = _parts(frames[m, j])
            for a in range(3):
                grad_offset = grad_movements[m, j, 4 * a + 3]
                grad_places[j, a] = grad_placed[m, j, a] + grad_offset
                grad_rest[j, a] = 0
                for b in range(3):
                    grad_worlds[j, 3 * a + b] = grad_movements[m, j, 4 * a + b] - grad_offset * at[b]
                    grad_rest[j, a] -= world[3 * b + a] * grad_movements[m, j, 4 * b + 3]
        for j in range(joints - 1, -1, -1):  # children before their parents
            own, _, _, at = _parts(frames[m, j])
            parent = parents[j]
            if parent < 0:
                grad_rest[j] += grad_places[j]
                grad_own[:] = grad_worlds[j]
            else:
                _, above, _, at_above = _parts(frames[m, parent])
                for a in range(3):
                    grad_places[parent, a] += grad_places[j, a]
                    for b in range(3):
                        through = above[3 * b + a] * grad_places[j, b]
                        grad_rest[j, a] += through
                        grad_rest[parent, a] -= through
                        grad_own[3 * a + b] = 0
                        more = grad_places[j, a] * (at[b] - at_above[b])
                        for c in range(3):
                            more += grad_worlds[j, 3 * a + c] * own[3 * b + c]
                            grad_own[3 * a + b] += above[3 * c + a] * grad_worlds[j, 3 * c + b]
                        grad_worlds[parent, 3 * a + b] += more
            if features[j] >= 0:
                for i in range(9):
                    grad_own[i] += grad_code[m, features[j] + i]
            _rotation_backward(turns[m, j], grad_own, grad_turns[m, j])
        for k in range(len(modes)):
            row, more = modes[k, 1], 0.0
            for i in range(3 * joints):
                more += rest_basis[row, i] * grad_rest[i // 3, i % 3]
            grad_code[m, modes[k, 0]] += more


@njit(cache=True, nogil=True)
@typing.no_type_check
def _rotation_backward(turn, d, result):
    """The gradient of R = I + f(s) [r]× + g(s) [r]×², s = |r|², times the gradient d of R."""
    x, y, z = turn[0], turn[1], turn[2]
    s = x * x + y * y + z * z
    f, g, f_slope, g_slope = rodrigues_factors(s)
    trace = d[0] + d[4] + d[8]
    spin_x, spin_y, spin_z = d[7] - d[5], d[2] - d[6], d[3] - d[1]  # <d, [r]×> = spin . r
    both_x = 2 * d[0] * x + (d[1] + d[3]) * y + (d[2] + d[6]) * z - 2 * trace * x
    both_y = (d[1] + d[3]) * x + 2 * d[4] * y + (d[5] + d[7]) * z - 2 * trace * y
    both_z = (d[2] + d[6]) * x + (d[5] + d[7]) * y + 2 * d[8] * z - 2 * trace * z
    square = (both_x * x + both_y * y + both_z * z) / 2  # <d, [r]×²>
    along = 2 * (f_slope * (spin_x * x + spin_y * y + spin_z * z) + g_slope * square)
    result[0] = f * spin_x + g * both_x + along * x
    result[1] = f * spin_y + g * both_y + along * y
    result[2] = f * spin_z + g * both_z + along * z
