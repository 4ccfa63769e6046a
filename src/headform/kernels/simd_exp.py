"""The exponential function of SIMD values (`kernels.simd`), as far as activations need it.

exp(x) = 2^n exp(r), n the integer next to x / ln 2 and r = x - n ln 2, where |r| <= ln 2 / 2 and its series has few terms.
"""

import math
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from headform.kernels.simd import _INT, _LANES, WIDTH, _lanes

_INTS = ir.VectorType(_INT, WIDTH)
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4
"""ln 2 in two parts; the first has so few digits that its products with n are exact (Cody and Waite 1980)."""
_TERMS = 7
"""Terms of the series: the first that is left out is below 1e-8 of r."""
_LEAST = -80.0
"""Number below which exp(x) - 1 is -1 in single precision, and 2^n still a normal number."""


@intrinsic  # type: ignore[misc]
def elu(context, a):  # type: ignore[no-untyped-def]
    """Return a where it is above 0 or NaN, exp(a) - 1 elsewhere, to 2e-7 of its value (and 1e-38)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = args[0]

        def all_lanes(number: float) -> Any:
            return ir.Constant(_LANES, [number] * WIDTH)

        def call(name: str, *operands: Any) -> Any:
            kind = ir.FunctionType(_LANES, [_LANES] * len(operands))
            function = cgutils.get_or_insert_function(builder.module, kind, name)  # type: ignore[no-untyped-call]
            return builder.call(function, operands)

        def fused(a: Any, b: Any, c: Any) -> Any:
            return call("llvm.fmuladd.v16f32", a, b, c)

        # no NaN and nothing large comes as far as the conversion to an integer, which is undefined for them
        low = all_lanes(_LEAST)
        x = builder.select(builder.fcmp_ordered(">", value, low), value, low)
        x = builder.select(builder.fcmp_ordered("<", x, all_lanes(0.0)), x, all_lanes(0.0))
        n = call("llvm.rint.v16f32", builder.fmul(x, all_lanes(1 / math.log(2))))
        r = fused(n, all_lanes(-_LN2_HIGH), x)
        r = fused(n, all_lanes(-_LN2_LOW), r)
        series = all_lanes(1 / math.factorial(_TERMS))
        for k in range(_TERMS - 1, 1, -1):
            series = fused(series, r, all_lanes(1 / math.factorial(k)))
        below_one = fused(builder.fmul(r, r), series, r)  # exp(r) - 1
        exponent = builder.add(builder.fptosi(n, _INTS), ir.Constant(_INTS, [127] * WIDTH))
        power = builder.bitcast(builder.shl(exponent, ir.Constant(_INTS, [23] * WIDTH)), _LANES)  # 2^n
        negative = fused(power, below_one, builder.fsub(power, all_lanes(1.0)))
        return builder.select(builder.fcmp_unordered(">", value, all_lanes(0.0)), value, negative)

    return _lanes(_lanes), generate
