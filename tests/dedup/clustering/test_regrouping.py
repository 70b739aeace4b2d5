"""Pieces of any size, cut anew by number alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from winnow.dedup.clustering.regrouping import regrouped


@given(st.lists(st.lists(st.integers(0, 9), max_size=7), max_size=9), st.integers(1, 10))
def test_groups_depend_on_no_piece(pieces: list[list[int]], rows: int) -> None:
    arrays = [(np.array(piece, np.int64), np.array(piece, np.uint8)) for piece in pieces]
    found = list(regrouped(arrays, rows))
    every = [number for piece in pieces for number in piece]
    assert [a.tolist() for a, _ in found] == [
        every[start : start + rows] for start in range(0, len(every), rows)
    ]
    assert all(a.tolist() == b.tolist() for a, b in found)
