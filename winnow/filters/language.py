"""``language``: what language is it in, and how sure is that?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from winnow.errors import ConfigError, nearest
from winnow.filters.fasttext_model import best_labels, check_model, load_model, one_line
from winnow.filters.measured import Measure, MeasuredFilter, append_measures, share_measure
from winnow.pipeline.bounds import Bound
from winnow.pipeline.fingerprint import file_digest
from winnow.pipeline.stage import BatchFunction

UNDETERMINED = "und"  # ISO 639-2: no letters, so no language
DEFAULT_MIN_PROB = 0.65  # FineWeb's and datatrove's

_BUNDLED = Path(__file__).parent / "models" / "lid.176.ftz"
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, kw_only=True)
class LanguageFilter(MeasuredFilter):
    """The language of the text by a fastText model.

    language       label of the model, ISO 639-1 where there is one; "und" for a text without a
                   letter
    language_prob  the model's probability of that label, [0, 1]; 0 for "und"

    A config bounds both at once: `languages = ["en", "de"]` with `min = 0.65`, or a bound each:
    `languages = { en = 0.65, de = 0.5 }`. Without `languages` every language passes, and `min`
    bounds the probability of all.

    Source: lid.176 of Joulin et al. 2016 and 2017 (`lid.176.ftz`, the compressed model, comes with
    winnow under CC BY-SA 3.0; see NOTICE). Differs from datatrove 0.10, which reads the whole text
    of every document with the larger lid.176.bin and keeps probabilities *above* 0.65. Here a text
    is read whole only if its beginning leaves the model unsure: of 7,505 crawled pages 99.9 % get
    the label that their whole text gets, at more than twice the speed
    (`benchmarks/language.py`); with `sure_prob = 0`, 99.6 % at four times.
    """

    model: str | None = None
    """Another fastText model; labels `__label__xx`. Absent: the one that comes with winnow."""
    chars: int = 1000
    """Code points of the text that are looked at first; 0: all."""
    sure_prob: float = 0.9
    """A text whose label is less probable than this by its first `chars` is read whole; 0: never.
    The whole text then decides both measures."""

    use: ClassVar[str] = "language"
    version: ClassVar[int] = 2
    requires: ClassVar[tuple[str, ...]] = ("fasttext",)
    path_fields: ClassVar[tuple[str, ...]] = ("model",)
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("model",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("language", pa.string(), "language by the model, ISO 639-1 where there is one"),
        share_measure("language_prob", "the model's probability of that language"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.chars < 0:
            raise ValueError(f"chars must be 0 (all) or more, got {self.chars}")
        if not 0 <= self.sure_prob <= 1:
            raise ValueError(f"sure_prob must be 0 (never read more) to 1, got {self.sure_prob}")

    @property
    def model_path(self) -> str:
        return str(_BUNDLED) if self.model is None else self.model

    def fingerprint_extra(self) -> dict[str, Any]:
        return {"model_sha256": file_digest(self.model_path)}

    def check(self) -> None:
        """Raise :class:`PlanError` if there is no model file."""
        check_model(self.model_path, self.use)

    @classmethod
    def parse_bounds(cls, table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        limits, rest = super().parse_bounds(table)
        for key in ("languages", "min"):
            if key in rest:
                limits[key] = rest.pop(key)
        return limits, rest

    def bounds(self, table: dict[str, Any]) -> tuple[Bound, ...]:
        """``language`` first, then ``language_prob``, whose limit may depend on the label."""
        table = dict(table)
        languages = table.pop("languages", None)
        minimum = _prob(table.pop("min", None), "min")
        defaults: list[Bound] = []
        if languages is not None:
            by = self._limits(languages, minimum)
            defaults.append(Bound(measure="language", allowed=tuple(code for code, _, _ in by)))
            defaults.append(Bound(measure="language_prob", by_column="language", by=by))
        elif minimum is not None:
            defaults.append(Bound(measure="language_prob", min=minimum))
        return self.bounds_from(tuple(defaults), table)

    def _limits(
        self, languages: Any, minimum: float | None
    ) -> tuple[tuple[str, float | None, float | None], ...]:
        if isinstance(languages, str):
            languages = [languages]
        if isinstance(languages, dict):
            if minimum is not None:
                raise ConfigError(
                    f"stage '{self.use}': `languages` gives each its own bound, and `min` another",
                    remedy="Leave `min` out, or write languages as a list.",
                )
            pairs = [(code, _prob(prob, f"languages.{code}")) for code, prob in languages.items()]
        elif isinstance(languages, list) and all(isinstance(code, str) for code in languages):
            prob = DEFAULT_MIN_PROB if minimum is None else minimum
            pairs = [(code, prob) for code in languages]
        else:
            raise ConfigError(
                f"stage '{self.use}': languages must be a list or a table, got {languages!r}",
                remedy='For example: languages = ["en"] or languages = { en = 0.65, de = 0.5 }',
            )
        if not pairs:
            raise ConfigError(
                f"stage '{self.use}': languages is empty, so every document would be rejected",
                remedy="Name some, or leave the key out to keep all.",
            )
        for code, _ in pairs:
            if self.model is None and code not in (*bundled_labels(), UNDETERMINED):
                raise ConfigError(
                    f"stage '{self.use}': the model knows no language {code!r}."
                    f"{nearest(code, bundled_labels())}",
                    remedy=f"It knows: {', '.join(bundled_labels())}",
                )
        return tuple((code, prob, None) for code, prob in pairs)

    def open(self) -> BatchFunction:
        model = load_model(self.model_path, self.use)

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            column = pc.fill_null(batch.column("text"), "")
            lines = one_line(column, self.chars or None)
            languages = np.full(len(lines), UNDETERMINED, object)
            probs = np.zeros(len(lines))

            def label(lines: list[str], rows: npt.NDArray[np.int64]) -> None:
                lettered = [n for n, line in enumerate(lines) if _LETTER.search(line)]
                found, values = best_labels(model, [lines[n] for n in lettered])
                languages[rows[lettered]] = [language or UNDETERMINED for language in found]
                probs[rows[lettered]] = values

            label(lines, np.arange(len(lines)))
            if self.chars and self.sure_prob:
                longer = pc.greater(pc.utf8_length(column), self.chars).to_numpy(False)
                unsure = np.flatnonzero((probs < self.sure_prob) & longer)
                label(one_line(column.take(pa.array(unsure)), None), unsure)
            return append_measures(batch, self.measure_fields(), [languages, probs])

        return measure


@cache
def bundled_labels() -> tuple[str, ...]:
    """The languages that the bundled model knows, without loading it."""
    return tuple(_BUNDLED.with_name("lid.176.labels.txt").read_text("utf-8").split())


def _prob(value: Any, key: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigError(f"stage 'language': {key} must be a probability, 0 to 1, got {value!r}")
    return float(value)
