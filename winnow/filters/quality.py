"""``quality``: how good is it, in the eyes of a fastText model?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from winnow.errors import StageError, nearest
from winnow.filters.fasttext_model import PREFIX, check_model, label_probs, load_model, one_line
from winnow.filters.measured import Measure, MeasuredFilter, append_measures, share_measure
from winnow.filters.quality_training import train_quality_model as train_quality_model
from winnow.pipeline.fingerprint import file_digest
from winnow.pipeline.stage import BatchFunction

_BUNDLED = Path(__file__).parent / "models" / "quality.en.ftz"


@dataclass(frozen=True, kw_only=True)
class QualityFilter(MeasuredFilter):
    """The probability that a text is good, by a fastText classifier.

    quality_score  the model's probability of `label`, [0, 1]; 0 for a text without a word

    No bound by default. `min` sets one; `top_share = 0.1` keeps exactly the best tenth of the run
    instead, of documents or (`by = "text_bytes"`) of text, within each language if asked
    (`per = "language"`). The whole text is read, line feeds as spaces. Several models stand in one
    run by `suffix`: `suffix = "edu"` makes `quality_score_edu`; `ensemble` joins them.

    Without `model`, the one that comes with winnow: English only, prose against boilerplate, lists,
    spam and debris. `models/quality.en.card.md` says what it was trained on, and what it cannot
    tell. A model of your own, by `winnow quality train`, is better as soon as you know what you
    want.

    Source: the classifier of DCLM (Li et al. 2024, section 4.4): fastText over words and their
    pairs. Differs: the model is another.
    """

    model: str | None = None
    """Path of the fastText model. Absent: the English one that comes with winnow."""
    label: str = "hq"
    """Which of its labels means good, without `__label__`."""

    use: ClassVar[str] = "quality"
    version: ClassVar[int] = 2
    requires: ClassVar[tuple[str, ...]] = ("fasttext",)
    path_fields: ClassVar[tuple[str, ...]] = ("model",)
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("model",)
    measures: ClassVar[tuple[Measure, ...]] = (
        share_measure("quality_score", "probability of `label` by the model"),
    )

    @property
    def model_path(self) -> str:
        return str(_BUNDLED) if self.model is None else self.model

    def fingerprint_extra(self) -> dict[str, Any]:
        return {"model_sha256": file_digest(self.model_path)}

    def check(self) -> None:
        """Raise :class:`PlanError` if there is no model file."""
        check_model(self.model_path, self.use)

    def open(self) -> BatchFunction:
        model = load_model(self.model_path, self.use)
        labels = [label.removeprefix(PREFIX) for label in model.get_labels()]
        if self.label not in labels:
            raise StageError(
                f"stage '{self.use}': the model has no label {self.label!r}."
                f"{nearest(self.label, labels)}",
                stage=self.use,
                remedy=f"labels of {self.model_path}: {', '.join(labels[:20])}",
            )

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            scores = label_probs(model, one_line(batch.column("text"), None), self.label)
            return append_measures(batch, self.measure_fields(), [scores])

        return measure
