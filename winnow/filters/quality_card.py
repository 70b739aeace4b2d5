"""The card beside a model: what it was made of, how good it is, who may use it.

``model.bin`` has ``model.card.json`` for programs and ``model.card.md`` for people. Neither holds
a date, a path of a machine or a text: the same documents give the same bytes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from winnow.errors import PlanError
from winnow.store.files import Folder
from winnow.store.receipts import canonical_json

CARD_VERSION = 1


def card_path(model: str, suffix: str = ".json") -> str:
    """``quality.card.json`` for ``quality.bin`` or ``quality.ftz``."""
    return f"{os.path.splitext(model)[0]}.card{suffix}"


def write_card(card: dict[str, Any], model: str) -> None:
    """Write both forms of ``card`` beside ``model``."""
    folder = Folder(os.path.dirname(os.path.abspath(model)))
    folder.write(os.path.basename(card_path(model)), canonical_json(card))
    folder.write(os.path.basename(card_path(model, ".md")), as_markdown(card).encode())


def read_quantiles(path: str) -> npt.NDArray[np.float64]:
    """The quantiles of held-out scores in a card, ascending; :class:`PlanError` if it is none."""
    try:
        found = json.loads(Path(path).read_bytes())["held_out"]["score_quantiles"]
        table = np.array(found, np.float64)
    except OSError as error:
        raise PlanError(
            f"cannot read the card {path}: {error.strerror}",
            remedy="`winnow quality train` writes it beside the model, as MODEL.card.json.",
        ) from None
    except (ValueError, KeyError, TypeError):
        raise PlanError(f"{path} is not the card of a quality model") from None
    if table.ndim != 1 or len(table) < 2 or not np.isfinite(table).all():
        raise PlanError(
            f"the card {path} has no quantiles of scores: no document was held out",
            remedy="Train on more documents: one in ten is held out.",
        )
    return np.sort(table)


def as_markdown(card: dict[str, Any]) -> str:
    """The card as a page to read."""
    held_out, data = card["held_out"], card["data"]
    parts = [f"# {card['model']}\n"]
    if card["about"]:
        parts.append(card["about"] + "\n")
    parts.append(
        f"A fastText classifier: probability that a text is like the positive documents "
        f"(label `{card['labels']['positive']}`).\n"
    )
    parts.append(
        _table(
            ["", ""],
            [
                ["licence", card["licence"] or "not stated"],
                ["sha256", f"`{card['sha256']}`"],
                ["size", f"{card['size_bytes']:,} bytes"],
                ["made by", f"winnow {card['winnow_version']}, {card['trainer']}"],
                *([key, f"{value}"] for key, value in sorted(card["parameters"].items())),
            ],
        )
    )
    parts.append("\n## Data\n")
    sides = [
        [side, *(f"{data[side][key]:,}" for key in ("documents", "chars", "trained_documents")),
         f"`{data[side]['sha256'][:16]}…`", ", ".join(data[side]["sources"])]
        for side in ("positive", "negative")
    ]  # fmt: skip
    parts.append(
        _table(["side", "documents", "characters", "trained on", "sha256", "sources"], sides)
    )
    parts.append(
        "\nEqual texts (but for case and white space) count once; one that is on both sides is "
        "negative. The sha256 is of the sorted hashes of the texts.\n"
    )
    parts.append("## On held-out documents\n")
    parts.append(
        "One document in ten, by the hash of its text, was not trained on. Figures say how well "
        "the two sides are told apart, which is not the same as quality.\n"
    )
    names = ("documents", "positive_documents", "auc", "accuracy", "positive_recall",
             "negative_recall", "expected_calibration_error")  # fmt: skip
    parts.append(_table(["figure", "value"], [[n, _number(held_out[n])] for n in names]))
    parts.append("\nPrecision among the best of them, where chance would give "
                 f"{_number(_chance(held_out))}:\n")  # fmt: skip
    tops = held_out["precision_at_top"]
    parts.append(
        _table([f"best {float(k):.0%}" for k in tops], [[_number(v) for v in tops.values()]])
    )
    parts.append("\nCalibration:\n")
    parts.append(
        _table(
            ["score from", "documents", "mean score", "share positive"],
            [
                [_number(row["from"]), f"{row['documents']:,}", _number(row["mean_score"]),
                 _number(row["positive_share"])]
                for row in held_out["reliability"]
            ],
        )
    )  # fmt: skip
    parts.append("\n## What it listens to\n")
    parts.append(
        "Words and runs of words in at least 1 % of the documents of one side, by their weight in "
        "the (uncompressed) model: what one occurrence adds to the log-odds, times the length of "
        "the text.\n"
    )
    for side in ("positive", "negative"):
        rows = card["telling_ngrams"][side]
        shown = ", ".join(f"`{row['ngram']}` {row['weight']:+.2f}" for row in rows)
        parts.append(f"**{side}**: {shown or 'none'}\n")
    for title, text in sorted(card["notes"].items()):
        parts.append(f"## {title}\n\n{text}\n")
    return "\n".join(parts)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _number(value: float | int | None) -> str:
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _chance(held_out: dict[str, Any]) -> float | None:
    documents = held_out["documents"]
    return held_out["positive_documents"] / documents if documents else None
