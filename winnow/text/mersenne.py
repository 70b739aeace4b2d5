"""Compiled arithmetic modulo the prime 2**61 - 1, in which hashes of texts can be joined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from winnow.optional import require
from winnow.text.compiled import compiled

PRIME = np.uint64(2**61 - 1)


def _high_product() -> Callable[[np.uint64, np.uint64], np.uint64]:
    """The upper half of the product of two 64-bit numbers: one instruction, if asked for so."""
    numba = require("numba", "text measures")
    from llvmlite import ir  # type: ignore[import-untyped]
    from numba.extending import intrinsic

    def high_product(context: Any, a: Any, b: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            wide = ir.IntType(128)
            a, b = (builder.zext(value, wide) for value in values)
            product = builder.lshr(builder.mul(a, b), ir.Constant(wide, 64))
            return builder.trunc(product, ir.IntType(64))

        return numba.uint64(numba.uint64, numba.uint64), build

    return cast(Callable[[np.uint64, np.uint64], np.uint64], intrinsic(high_product))


_high = _high_product()


@compiled
def multiply(a: np.uint64, b: np.uint64) -> np.uint64:
    """``a * b`` modulo 2**61 - 1, for both below it."""
    low = a * b
    return reduce((low & PRIME) + ((_high(a, b) << np.uint64(3)) | (low >> np.uint64(61))))


@compiled
def reduce(a: np.uint64) -> np.uint64:
    """``a`` modulo 2**61 - 1."""
    a = (a >> np.uint64(61)) + (a & PRIME)
    return a - PRIME if a >= PRIME else a
