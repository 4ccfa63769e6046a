"""The spectral residual block.

Reference: Lin et al., "Towards High-Fidelity 3D Face Reconstruction from In-the-Wild Images Using Graph Convolutional
Networks", CVPR 2020.

*B any leading axes, V vertices, C channels.
"""

from jaxtyping import Float
from torch import Tensor, nn

from headform.graph.activation import BiasedELU
from headform.graph.cheb_conv import Backend, ChebConv
from headform.graph.laplacian import ScaledLaplacian


class ChebResidual(nn.Module):
    """Residual block: Cheb, biased ELU, Cheb; plus the input (through a one-term Cheb where widths differ); biased ELU.

    The activations have biases, the convolutions none. Parameters: K * C_in * C_out + K * C_out^2 + 2 * C_out, and
    C_in * C_out more where the widths differ.

    Args:
        in_channels: C_in.
        out_channels: C_out.
        num_terms: K of the main path, 6 in the paper.
        backend: backend of the convolutions, see `ChebConv`.
    """

    def __init__(self, in_channels: int, out_channels: int, num_terms: int = 6, *, backend: Backend = "auto") -> None:
        super().__init__()
        self.first = ChebConv(in_channels, out_channels, num_terms, bias=False, backend=backend)
        self.inner = BiasedELU(out_channels)
        self.second = ChebConv(out_channels, out_channels, num_terms, bias=False, backend=backend)
        self.shortcut = (
            None if in_channels == out_channels else ChebConv(in_channels, out_channels, 1, bias=False, backend=backend)
        )
        self.outer = BiasedELU(out_channels)

    def forward(self, x: Float[Tensor, "*B V C_in"], lap: ScaledLaplacian) -> Float[Tensor, "*B V C_out"]:
        """Filter `x` on the graph of `lap`."""
        main = self.second(self.inner(self.first(x, lap)), lap)
        past = x if self.shortcut is None else self.shortcut(x, lap)
        return self.outer(main, past)
