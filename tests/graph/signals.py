"""The same convolution by the kernel and, in double precision, by the reference."""

import copy
from functools import cache

import numpy as np
import torch

from headform import heads
from headform.graph.cheb_conv import cheb_conv
from headform.graph.laplacian import ScaledLaplacian
from headform.mesh.scaled_laplacian import scaled_laplacian
from tests.graph.meshes import MESHES, flat


@cache
def operators(mesh):
    """In single and in double precision, of the same rounded entries."""
    if mesh == "head":
        head = heads.load_open()
        faces, count = np.asarray(head.faces, np.int64), len(head.mean)
    else:
        faces, count = flat(3000, 1) if mesh == "large" else MESHES[mesh]
    single = ScaledLaplacian.from_csr(scaled_laplacian(faces, count))
    return single, copy.deepcopy(single).double()


def signals(mesh, channels, num_terms, shape, seed=0):
    """x, weight, bias and the gradient of the result, which is 0 where a ReLU's side is open to rounding."""
    generator = torch.Generator().manual_seed(seed)
    count = operators(mesh)[0].num_vertices
    sizes = ((*shape, count, channels[0]), (num_terms, *channels), channels[1:])
    sizes = (*sizes, (*shape, count, channels[1]))
    x, weight, bias, gradient = (torch.randn(size, generator=generator) for size in sizes)
    double = (t.double() for t in (x, weight, bias))
    y = cheb_conv(*double, operators(mesh)[1], backend="reference")
    return [x, weight, bias, gradient * (y.abs() > 1e-4)]


def results(inputs, lap, backend, wanted=(True, True, True), *, rectify=False):
    """The result and the gradients of x, weight and bias, None for those not wanted."""
    leaves = [t.detach().requires_grad_(w) for t, w in zip(inputs[:3], wanted, strict=True)]
    y = cheb_conv(*leaves, lap, rectify=rectify, backend=backend)
    if any(wanted):
        y.backward(inputs[3])
    return [y.detach(), *(leaf.grad for leaf in leaves)]


def assert_near(got, want):
    """To 1e-5 of the largest value."""
    for name, one, other in zip(("y", "x", "weight", "bias"), got, want, strict=True):
        assert (one is None) == (other is None), name
        if one is None:
            continue
        assert one.dtype == torch.float32
        assert one.shape == other.shape, name
        if other.numel():
            largest = other.abs().max()
            assert (one.double() - other).abs().max() <= 1e-5 * largest, name


def assert_same_bits(got, want):
    """Equal to the last bit, None beside None."""
    for one, other in zip(got, want, strict=True):
        assert one is other is None or torch.equal(one, other)
