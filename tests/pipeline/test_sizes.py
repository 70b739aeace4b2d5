import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.pipeline.sizes import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("64 MB", 64_000_000), ("1.5GiB", 1_610_612_736), ("10", 10), (7, 7), ("2 kb", 2000)],
)
def test_sizes(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "5 parsecs", "-3 MB", True, -1, 1.5, None])
def test_what_is_no_size(text: object) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)  # type: ignore[arg-type]


@given(st.integers(0, 10**15))
def test_what_is_printed_can_be_read_again(size: int) -> None:
    assert abs(parse_size(format_size(size)) - size) <= 0.05 * size + 1
