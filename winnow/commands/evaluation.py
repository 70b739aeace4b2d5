"""``winnow eval``."""

from __future__ import annotations

import argparse
import json

from winnow.errors import ConfigError
from winnow.optional import missing, missing_extra


def main(arguments: argparse.Namespace) -> int:
    if missing(("torch",)):
        raise missing_extra("torch", "`winnow eval`")
    if arguments.max_tokens < 1:
        raise ConfigError(f"--max-tokens must be 1 or more, got {arguments.max_tokens}")
    from winnow.train.held_out import evaluate_checkpoint

    found = evaluate_checkpoint(
        arguments.checkpoint,
        arguments.tokens,
        split=arguments.split,
        max_tokens=arguments.max_tokens,
    )
    if arguments.json:
        print(
            json.dumps({store: [g.to_values() for g in groups] for store, groups in found.items()})
        )
        return 0
    for store, groups in found.items():
        print(f"{store} ({arguments.split})")
        print(
            f"  {'':<24}{'documents':>10}{'bits/byte':>11}  {'95 %':<17}{'with end':>9}{'loss':>8}"
        )
        for each in groups:
            interval = f"{each.low:.4f} to {each.high:.4f}"
            print(
                f"  {each.name:<24}{each.documents:>10,}{each.bits_per_byte:>11.4f}  {interval:<17}"
                f"{each.bits_per_byte_with_eos:>9.4f}{each.loss:>8.4f}"
            )
    return 0
