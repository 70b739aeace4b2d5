"""Two texts next to each other: nothing is lost, nothing is invented."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from winnow.duplicates.side_by_side import as_html, as_text, pairs

texts = st.lists(st.sampled_from(["a b", "c", "déjà vu", "", "  ", "<i>"]), max_size=12).map(
    "\n".join
)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@given(texts, texts)
def test_every_line_stands_in_its_column_once_and_in_order(left: str, right: str) -> None:
    found = pairs(left, right)
    assert [pair.left for pair in found if pair.mark in " ~<"] == _lines(left)
    assert [pair.right for pair in found if pair.mark in " ~>"] == _lines(right)
    assert all(pair.left == pair.right for pair in found if pair.mark == " ")
    assert all(pair.left != "" for pair in found if pair.mark == "<")


@given(texts)
def test_equal_texts_are_one_line_that_says_so(text: str) -> None:
    shown = as_text(pairs(text, text), 80)
    count = len(_lines(text))
    assert shown == ([f"   … {count} equal line{'s' * (count != 1)}"] if count else [])


def test_a_page_cannot_steer_the_terminal_or_the_browser() -> None:
    found = pairs("\x1b[2J<script>alert(1)</script>", "b")
    assert "\x1b" not in "\n".join(as_text(found, 80))
    assert "<script>" not in as_html(found)


def test_columns_keep_to_the_width() -> None:
    left = "word " * 60
    shown = as_text(pairs(left, left + "more"), 60)
    assert len(shown) > 5
    assert max(map(len, shown)) <= 60
