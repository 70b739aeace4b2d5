from __future__ import annotations

from typing import Any

import numba
import pytest

from winnow.text.compiled import compiled


def add_one(number: int) -> int:
    return number + 1


def test_a_compiled_function_does_what_it_did() -> None:
    assert compiled(add_one)(1) == 2


def test_without_a_place_for_the_cache_it_is_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = numba.njit
    asked = []

    def njit(*, cache: bool = False, nogil: bool) -> Any:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(nogil=nogil)

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled(add_one)(1) == 2
    assert asked == [True, False]
