"""Operators on a fixed graph: scaled Laplacian, Chebyshev convolution, resampling between mesh levels."""

from headform.graph.activation import BiasedELU as BiasedELU
from headform.graph.activation import BiasedReLU as BiasedReLU
from headform.graph.cheb_conv import ChebConv as ChebConv
from headform.graph.cheb_conv import cheb_conv as cheb_conv
from headform.graph.chebyshev import chebyshev_basis as chebyshev_basis
from headform.graph.laplacian import ScaledLaplacian as ScaledLaplacian
from headform.graph.levels import GraphLevels as GraphLevels
from headform.graph.resample import Resample as Resample
from headform.graph.residual import ChebResidual as ChebResidual
