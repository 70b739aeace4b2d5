"""Bounds on measures, and the verdicts that follow from them.

A document outside a bound is rejected *by that measure's name*: there is no second vocabulary of
reasons. Bounds are inclusive; off is absent. A null measure passes every bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.errors import ConfigError, nearest
from winnow.hashing import keyed_hash
from winnow.schema import KEPT

VERDICT_SCHEMA = pa.schema(
    [
        # "kept", a measure's name, or null: an earlier step had rejected the document already
        pa.field("verdict", pa.string()),
        pa.field("verdict_value", pa.float64()),  # of that measure; null for labels and kept
        pa.field("verdict_bound", pa.float64()),  # the side that was broken
        # how far inside (positive) or outside (negative), in units of the bound; for a kept
        # document the smallest over all bounds: how close it came to being rejected
        pa.field("verdict_margin", pa.float64()),
        # bit i is set where bound i of the ledger's manifest is broken; null beyond 64 bounds
        pa.field("broken_bounds", pa.uint64()),
    ]
)
MAX_BITS = 64
LANGUAGE = "language"  # the column that `per_language` limits go by
LIMIT_KEYS = {"min", "max", "allowed", "per_language"}
TOP_KEYS = ("top_share", "by", "per")
TIE_SEED = 0  # of the hash of doc_id that parts equal scores at the cut of a top share


@dataclass(frozen=True, kw_only=True)
class TopShare:
    """Exactly the best ``share`` of the documents that no other bound of the ledger rejects.

    Which documents these are is known when all are measured; then ``cuts`` says it.
    """

    share: float
    by: str | None = None
    """A column to count instead of documents, e.g. ``text_bytes``: the best that together have
    at most this share of it."""
    per: str | None = None
    """A label column, e.g. ``language``: the share is taken within each of its values."""
    cuts: tuple[tuple[str | None, float, int], ...] | None = None
    """(label, score, tie) of the last document kept of each group; see
    :mod:`winnow.pipeline.top_share`. None: not known yet, and the bound rejects nothing."""

    def columns(self) -> tuple[str, ...]:
        return ("doc_id", *(name for name in (self.by, self.per) if name is not None))

    def margins(self, batch: pa.RecordBatch, measure: str) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`Bound.margins`: how far each score lies above the cut of its label, and the
        cut, ``float64[rows]``. Equal scores were parted by a hash of the document: the rejected
        ones get a margin of -2.2e-16, which is none. No score, or a label without a cut: kept."""
        value = batch.column(measure).cast(pa.float64()).to_numpy(zero_copy_only=False)
        cut, last = np.full(len(value), np.nan), np.zeros(len(value), np.uint64)
        labels = None if self.per is None else batch.column(self.per)
        for label, score, tie in self.cuts or ():
            rows: Any = slice(None)
            if labels is not None:
                same = pc.is_null(labels) if label is None else pc.equal(labels, label)
                rows = pc.fill_null(same, False).to_numpy(zero_copy_only=False)
            cut[rows], last[rows] = score, tie
        with np.errstate(invalid="ignore", over="ignore"):
            margin = (value - cut) / np.where(cut == 0, 1.0, np.abs(cut))
        ties = np.flatnonzero(value == cut)
        if len(ties):
            hashes = keyed_hash(batch.column("doc_id").to_numpy(), TIE_SEED)
            lost = ties[hashes[ties] > last[ties]]
            margin[lost] = -np.finfo(np.float64).eps
        return np.where(np.isnan(value) | np.isnan(cut), np.inf, margin), cut


@dataclass(frozen=True, kw_only=True)
class Bound:
    """``min <= measure <= max``, or for a label, membership in ``allowed``.

    ``by`` gives other limits, (label, min, max), where the label column ``by_column`` has a given
    value; for a value that is not listed, and for null, ``min`` and ``max`` hold.
    ``allowed = ()`` rejects every non-null label.
    """

    measure: str
    min: float | None = None
    max: float | None = None
    allowed: tuple[str, ...] | None = None
    by_column: str | None = None
    by: tuple[tuple[str, float | None, float | None], ...] = ()
    label_is_verdict: bool = False
    """Reject by the label instead of the measure's name: a foreign filter keeps its reasons."""
    top: TopShare | None = None
    """Instead of limits: only the best of the run. Tested after all limits of its ledger."""

    def __post_init__(self) -> None:
        # one meaning, one spelling: the order of languages and 50 or 50.0 must not re-run anything
        for side in ("min", "max"):
            value = getattr(self, side)
            object.__setattr__(self, side, None if value is None else float(value))
            if value is not None and not math.isfinite(value):
                raise ConfigError(
                    f"bound on '{self.measure}': {side} must be a finite number, got {value}",
                    remedy=f'To take a bound away: {self.measure} = "off"',
                )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ConfigError(
                f"bound on '{self.measure}': min {self.min:g} is above max {self.max:g}, so no "
                "document could pass"
            )
        if self.allowed is not None:
            object.__setattr__(self, "allowed", tuple(sorted(self.allowed)))
        object.__setattr__(self, "by", tuple(sorted(self.by, key=lambda each: each[0])))
        for label, low, high in self.by:
            if any(side is not None and not math.isfinite(side) for side in (low, high)):
                raise ConfigError(
                    f"bound on '{self.measure}': limits for {label!r} must be finite numbers",
                    remedy=f'To take it away: per_language = {{ {label} = "off" }}',
                )
            if low is not None and high is not None and low > high:
                raise ConfigError(
                    f"bound on '{self.measure}': for {label!r}, min {low:g} is above max {high:g}, "
                    "so no document could pass"
                )

    def columns(self) -> tuple[str, ...]:
        own = (self.measure,) if self.by_column is None else (self.measure, self.by_column)
        return own if self.top is None else (*own, *self.top.columns())

    def check(self, columns: pa.Schema) -> None:
        """:class:`ConfigError` where the columns' types are not what this bound compares."""
        kind = columns.field(self.measure).type
        label = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        limited = self.min is not None or self.max is not None or bool(self.by)
        if label and (limited or self.top is not None):
            raise ConfigError(
                f"'{self.measure}' is a label, so it has no least, greatest or best value",
                remedy=f'Name the labels that pass: {self.measure}.allowed = ["…"]',
            )
        if not label and self.allowed is not None:
            raise ConfigError(
                f"'{self.measure}' is a number, so it has no list of allowed labels",
                remedy=f"For example: {self.measure}.min = 0.1",
            )
        if self.top is None:
            return
        by, per = self.top.by, self.top.per
        if by is not None and not pa.types.is_integer(columns.field(by).type):
            raise ConfigError(
                f"top_share of '{self.measure}' by '{by}': that is no column of whole numbers",
                remedy='For example: by = "text_bytes"',
            )
        if per is not None and not pa.types.is_string(columns.field(per).type):
            raise ConfigError(
                f"top_share of '{self.measure}' per '{per}': that is no column of labels",
                remedy='For example: per = "language"',
            )

    def margins(self, batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
        """Signed margin and the bound it is measured from, ``float64[rows]``.

        Negative: rejected. Infinite: nothing to break. In units of the bound, or of the measure
        where the bound is 0. Labels: -1 rejected, infinite allowed. Of limits and a top share on
        one measure, the nearer.
        """
        margins, limits = self._limit_margins(batch)
        if self.top is None:
            return margins, limits
        top_margins, cuts = self.top.margins(batch, self.measure)
        nearer = top_margins < margins
        return np.where(nearer, top_margins, margins), np.where(nearer, cuts, limits)

    def _limit_margins(self, batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
        column = batch.column(self.measure)
        if self.allowed is not None:
            passes = pc.is_in(column, value_set=pa.array(self.allowed, pa.string()))
            passes = pc.or_(passes, pc.is_null(column)).to_numpy(zero_copy_only=False)
            return np.where(passes, np.inf, -1.0), np.full(len(passes), np.nan)
        value = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        low, high = self._limits(batch)
        with np.errstate(invalid="ignore", over="ignore"):
            below = (value - low) / np.where(low == 0, 1.0, np.abs(low))
            above = (high - value) / np.where(high == 0, 1.0, np.abs(high))
        # fill what has no value or no limit; a NaN measure would be a bug of the stage (contract)
        below = np.where(np.isfinite(low) & ~np.isnan(value), below, np.inf)
        above = np.where(np.isfinite(high) & ~np.isnan(value), above, np.inf)
        return np.minimum(below, above), np.where(below <= above, low, high)

    def _limits(self, batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
        low = np.full(batch.num_rows, -np.inf if self.min is None else self.min, np.float64)
        high = np.full(batch.num_rows, np.inf if self.max is None else self.max, np.float64)
        if self.by_column is None:
            return low, high
        labels = batch.column(self.by_column)
        for label, minimum, maximum in self.by:
            rows = pc.fill_null(pc.equal(labels, label), False).to_numpy(zero_copy_only=False)
            low[rows] = -np.inf if minimum is None else minimum
            high[rows] = np.inf if maximum is None else maximum
        return low, high


def read_bounds(plain: list[dict[str, Any]]) -> tuple[Bound, ...]:
    """Bounds from the form that manifests hold them in (``canonical``)."""
    return tuple(_read_bound(each) for each in plain)


def _read_bound(plain: dict[str, Any]) -> Bound:
    top = plain.get("top")
    if top is not None:
        cuts = top["cuts"]
        cuts = None if cuts is None else tuple((label, score, tie) for label, score, tie in cuts)
        top = TopShare(share=top["share"], by=top["by"], per=top["per"], cuts=cuts)
    return Bound(
        measure=plain["measure"],
        min=plain["min"],
        max=plain["max"],
        allowed=None if plain["allowed"] is None else tuple(plain["allowed"]),
        by_column=plain["by_column"],
        by=tuple((label, low, high) for label, low, high in plain["by"]),
        label_is_verdict=plain["label_is_verdict"],
        top=top,
    )


def without_top(bounds: tuple[Bound, ...]) -> tuple[Bound, ...]:
    """The limits alone: what decides which documents a top share is taken of."""
    return tuple(replace(bound, top=None) for bound in bounds)


def in_order(bounds: tuple[Bound, ...]) -> list[tuple[int, Bound]]:
    """Every bound with its number: all limits first, since a top share is of what they keep."""
    tops = [
        (number, Bound(measure=bound.measure, top=bound.top))
        for number, bound in enumerate(bounds)
        if bound.top is not None
    ]
    return [*enumerate(without_top(bounds)), *tops]


def judge(batch: pa.RecordBatch, bounds: tuple[Bound, ...]) -> list[pa.Array]:
    """The columns of ``VERDICT_SCHEMA`` for every row: the first bound that it breaks, in order,
    top shares after all limits."""
    rows = batch.num_rows
    verdict = np.full(rows, KEPT, dtype=object)
    value = np.full(rows, np.nan)
    limit = np.full(rows, np.nan)
    margin = np.full(rows, np.inf)
    kept = np.ones(rows, dtype=bool)
    bits = np.zeros(rows, np.uint64)
    for number, bound in in_order(bounds):
        margins, limits = bound.margins(batch)
        if number < MAX_BITS:
            bits |= (margins < 0).astype(np.uint64) << np.uint64(number)
        broken = kept & (margins < 0)
        if broken.any():
            if bound.label_is_verdict:
                verdict[broken] = batch.column(bound.measure).to_numpy(zero_copy_only=False)[broken]
            else:
                verdict[broken] = bound.measure
            margin[broken] = margins[broken]
            limit[broken] = limits[broken]
            if bound.allowed is None:
                numbers = batch.column(bound.measure).cast(pa.float64())
                value[broken] = numbers.to_numpy(zero_copy_only=False)[broken]
            kept &= ~broken
        margin[kept] = np.minimum(margin[kept], margins[kept])
    return [
        pa.array(verdict, pa.string()),
        _nullable(value),
        _nullable(limit),
        _nullable(margin),
        pa.array(bits, mask=np.full(rows, len(bounds) > MAX_BITS)),
    ]


def _nullable(values: np.ndarray) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))


def override(
    defaults: tuple[Bound, ...], table: dict[str, Any], stage: str, measures: tuple[str, ...]
) -> tuple[Bound, ...]:
    """``defaults`` with the bounds that a config's ``table`` sets: measure → {min, max} or "off".

    ``per_language = { de = { min = 0.1 }, fr = "off" }`` beside them gives other limits to
    documents of a language: a side that is not named is that of all languages, and languages that
    are not named keep what they have. An overridden bound keeps its place in the order; a bound on
    a measure without a default comes last, in the order of ``measures``.
    """
    changed = {bound.measure: bound for bound in defaults}
    dropped = set()
    for measure, limits in table.items():
        if measure not in measures:
            raise ConfigError(
                f"stage '{stage}': no measure '{measure}' to set a bound on."
                f"{nearest(measure, measures)}\n  measures: {', '.join(measures)}"
            )
        if limits == "off":
            dropped.add(measure)
            continue
        base = changed.get(measure, Bound(measure=measure))
        if isinstance(limits, dict) and not limits.keys().isdisjoint(TOP_KEYS):
            changed[measure] = replace(base, top=_top_share(base.top, limits, measure, stage))
            continue
        if not isinstance(limits, dict) or not limits.keys() <= LIMIT_KEYS:
            raise ConfigError(
                f"stage '{stage}': a bound on '{measure}' is a table with min and/or max, or "
                f'"off"; got {limits!r}',
                remedy=f"For example: {measure}.min = 0.1",
            )
        _check_sides(limits, f"stage '{stage}': {measure}")
        if "allowed" in limits:
            if not isinstance(limits["allowed"], list | tuple):
                raise ConfigError(
                    f"stage '{stage}': {measure}.allowed must be a list, got {limits['allowed']!r}"
                )
            limits = {**limits, "allowed": tuple(limits["allowed"])}
        others = {side: limits[side] for side in limits if side != "per_language"}
        changed[measure] = replace(base, **others)
        if "per_language" in limits:
            where = f"stage '{stage}': {measure}.per_language"
            changed[measure] = _per_language(changed[measure], limits["per_language"], where)
    order = [bound.measure for bound in defaults]
    order += [m for m in measures if m in changed and m not in order]
    return tuple(changed[measure] for measure in order if measure not in dropped)


def _check_sides(limits: dict[str, Any], where: str) -> None:
    for side in ("min", "max"):
        if side in limits and (
            isinstance(limits[side], bool) or not isinstance(limits[side], int | float)
        ):
            raise ConfigError(f"{where}.{side} must be a number, got {limits[side]!r}")


def _per_language(bound: Bound, table: Any, where: str) -> Bound:
    """``bound`` with other limits for the languages in ``table``."""
    example = "For example: word_count.per_language = { de = { min = 40 } }"
    if not isinstance(table, dict) or not table:
        raise ConfigError(f"{where} must be a table by language, got {table!r}", remedy=example)
    if bound.by_column not in (None, LANGUAGE):
        raise ConfigError(f"{where}: this bound depends on '{bound.by_column}' already")
    by = {label: (low, high) for label, low, high in bound.by}
    for language, limits in table.items():
        if limits == "off":
            by[language] = (None, None)
            continue
        if not isinstance(limits, dict) or not limits or not limits.keys() <= {"min", "max"}:
            raise ConfigError(
                f'{where}.{language} must be a table with min and/or max, or "off"; got {limits!r}',
                remedy=example,
            )
        _check_sides(limits, f"{where}.{language}")
        low, high = by.get(language, (bound.min, bound.max))
        low, high = limits.get("min", low), limits.get("max", high)
        by[language] = (None if low is None else float(low), None if high is None else float(high))
    sides = tuple((label, low, high) for label, (low, high) in by.items())
    return replace(bound, by_column=LANGUAGE, by=sides)


def _top_share(
    before: TopShare | None, limits: dict[str, Any], measure: str, stage: str
) -> TopShare:
    """``limits`` as a top share; what they do not say is as ``before``."""
    where = f"stage '{stage}': a bound on '{measure}'"
    if before is not None:
        limits = {"top_share": before.share, "by": before.by, "per": before.per} | limits
    if not limits.keys() <= {*TOP_KEYS} or "top_share" not in limits:
        raise ConfigError(
            f"{where} is either limits or the best of the run, not both; got {limits!r}",
            remedy=f'For example: {measure} = {{ top_share = 0.1, by = "text_bytes" }}',
        )
    share = limits["top_share"]
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise ConfigError(f"{where}: top_share must be above 0 and at most 1, got {share!r}")
    for key in ("by", "per"):
        if not isinstance(limits.get(key), str | None):
            raise ConfigError(f"{where}: {key} must name a column, got {limits[key]!r}")
    by = limits.get("by")
    return TopShare(share=float(share), by=None if by == "documents" else by, per=limits.get("per"))
