"""``winnow train``."""

from __future__ import annotations

import argparse
import json

from winnow.optional import missing, missing_extra


def main(arguments: argparse.Namespace) -> int:
    if missing(("torch",)):
        raise missing_extra("torch", "`winnow train`")
    from winnow.train.command import run_training

    overrides = list(arguments.overrides)
    if arguments.init is not None:
        overrides.append(f"model.init={json.dumps(arguments.init)}")

    return run_training(
        arguments.config,
        overrides=overrides,
        resume=arguments.resume,
        # `--sample` without a prompt: one sample from the trainer's own
        sample_prompts=None if arguments.sample is None else arguments.sample or [""],
        json=arguments.json,
    )
