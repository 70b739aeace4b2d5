"""``winnow quality train``."""

from __future__ import annotations

import argparse
import json
from typing import Any

from winnow.filters.quality import train_quality_model
from winnow.filters.quality_card import card_path


def main(arguments: argparse.Namespace) -> int:
    card = train_quality_model(
        positive=arguments.positive,
        negative=arguments.negative,
        output=arguments.output,
        dim=arguments.dim,
        epochs=arguments.epochs,
        word_ngrams=arguments.word_ngrams,
        lr=arguments.lr,
        seed=arguments.seed,
        max_documents=arguments.max_documents,
        compress_rows=arguments.compress_rows,
        licence=arguments.licence,
        about=arguments.about,
    )
    if arguments.json:
        print(json.dumps(card, ensure_ascii=False))
    else:
        print("\n".join(_report(card, arguments.output)))
    return 0


def _report(card: dict[str, Any], output: str) -> list[str]:
    held_out = card["held_out"]
    lines = [
        f"{side:<9} {card['data'][side]['documents']:>9,} documents, "
        f"{card['data'][side]['trained_documents']:,} of them trained on"
        for side in ("positive", "negative")
    ]
    lines.append(f"held out  {held_out['documents']:>9,} documents\n")
    for name in ("auc", "accuracy", "positive_recall", "negative_recall"):
        lines.append(f"{name:<28} {_number(held_out[name])}")
    lines.append(f"{'expected calibration error':<28} "
                 f"{_number(held_out['expected_calibration_error'])}")  # fmt: skip
    for share, value in held_out["precision_at_top"].items():
        lines.append(f"{f'precision at top {float(share):.0%}':<28} {_number(value)}")
    for side in ("positive", "negative"):
        words = [row["ngram"] for row in card["telling_ngrams"][side][:12]]
        lines.append(f"\nmost {side}: {', '.join(words) or 'none'}")
    lines.append(f"\nthe card: {card_path(output, '.md')}")
    lines.append(
        "use it in a config:\n"
        f'  [[stage]]\n  use = "quality"\n  model = "{output}"\n  top_share = 0.1'
    )
    return lines


def _number(value: float | None) -> str:
    return "none held out" if value is None else f"{value:.4f}"
