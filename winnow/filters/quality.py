"""``quality``: how good is it, in the eyes of a fastText model that you trained?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from winnow.errors import StageError, nearest
from winnow.filters.fasttext_model import PREFIX, as_probs, check_model, load_model, one_line
from winnow.filters.measured import Measure, MeasuredFilter, append_measures, share_measure
from winnow.filters.quality_training import train_quality_model as train_quality_model
from winnow.pipeline.fingerprint import file_digest
from winnow.pipeline.stage import BatchFunction


@dataclass(frozen=True, kw_only=True)
class QualityFilter(MeasuredFilter):
    """The probability that a text is good, by a fastText classifier of yours.

    quality_score  the model's probability of `label`, [0, 1]; 0 for a text without a word

    No bound by default: `min` sets one. The whole text is read, line feeds as spaces.

    Source: the classifier of DCLM (Li et al. 2024, section 4.4), bigrams of words. Differs: the
    model is yours (`winnow quality train`), and DCLM keeps a share of the best documents where
    this keeps those above a bound.
    """

    model: str
    """Path of the fastText model."""
    label: str = "hq"
    """Which of its labels means good, without `__label__`."""

    use: ClassVar[str] = "quality"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("fasttext",)
    path_fields: ClassVar[tuple[str, ...]] = ("model",)
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("model",)
    measures: ClassVar[tuple[Measure, ...]] = (
        share_measure("quality_score", "probability of `label` by the model"),
    )

    def fingerprint_extra(self) -> dict[str, Any]:
        return {"model_sha256": file_digest(self.model)}

    def check(self) -> None:
        """Raise :class:`PlanError` if there is no model file."""
        check_model(self.model, self.use)

    def open(self) -> BatchFunction:
        model = load_model(self.model, self.use)
        labels = [label.removeprefix(PREFIX) for label in model.get_labels()]
        if self.label not in labels:
            raise StageError(
                f"stage '{self.use}': the model has no label {self.label!r}."
                f"{nearest(self.label, labels)}",
                stage=self.use,
                remedy=f"labels of {self.model}: {', '.join(labels[:20])}",
            )
        wanted = PREFIX + self.label

        def score(line: str) -> float:
            if not line.strip():
                return 0.0
            found, values = model.predict(line, k=-1)
            return float(values[found.index(wanted)]) if wanted in found else 0.0

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            scores = [score(line) for line in one_line(batch.column("text"), None)]
            return append_measures(batch, self.measure_fields(), [as_probs(scores)])

        return measure
