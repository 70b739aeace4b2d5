"""``winnow quality train``."""

from __future__ import annotations

import argparse
import json

from winnow.filters.quality import train_quality_model


def main(arguments: argparse.Namespace) -> int:
    metrics = train_quality_model(
        positive=arguments.positive,
        negative=arguments.negative,
        output=arguments.output,
        dim=arguments.dim,
        epochs=arguments.epochs,
        word_ngrams=arguments.word_ngrams,
        seed=arguments.seed,
        max_documents=arguments.max_documents,
    )
    if arguments.json:
        print(json.dumps(metrics))
        return 0
    for name, value in metrics.items():
        print(f"{name:<24} {value:.4f}" if isinstance(value, float) else f"{name:<24} {value}")
    print(
        "\nuse it in a config:\n"
        f'  [[stage]]\n  use = "quality"\n  model = "{arguments.output}"\n  min = 0.5'
    )
    return 0
