"""A fingerprint changes when, and only when, the result could."""

import pickle
from dataclasses import dataclass

import pytest

from winnow.errors import PlanError
from winnow.pipeline.fingerprint import canonical, digest, file_digest


@dataclass(frozen=True)
class Inner:
    version = 3
    low: float = 0.1


@dataclass(frozen=True)
class Outer:
    use = "outer"
    version = 1
    names: tuple[str, ...] = ("a", "b")
    inner: Inner = Inner()
    batch_rows: int = 64
    outside_fingerprint = ("batch_rows",)


def fingerprint(value: object) -> str:
    return digest(canonical(value))


def test_equal_descriptions_have_equal_fingerprints() -> None:
    assert fingerprint(Outer()) == fingerprint(pickle.loads(pickle.dumps(Outer())))


def test_every_field_and_version_counts() -> None:
    class Newer(Outer):
        version = 2

    prints = {
        fingerprint(v)
        for v in (Outer(), Outer(names=("b", "a")), Outer(inner=Inner(low=0.2)), Newer())
    }
    assert len(prints) == 4


def test_a_field_outside_does_not_count() -> None:
    assert fingerprint(Outer(batch_rows=1)) == fingerprint(Outer())


def test_the_order_of_a_table_does_not_count() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(PlanError, match=r"stage\.names\[0\] is a function"):
        canonical(Outer(names=(lambda: None,)), "stage")  # type: ignore[arg-type]


def test_a_files_content_counts_and_not_its_name(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "a").write_bytes(b"1")
    (folder / "b").write_bytes(b"1")
    (folder / "c").write_bytes(b"2")
    a, b, c = (file_digest(folder / name) for name in "abc")
    assert a == b != c
