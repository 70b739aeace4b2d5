"""``winnow train``."""

from __future__ import annotations

import argparse

from winnow.optional import missing, missing_extra


def main(arguments: argparse.Namespace) -> int:
    if missing(("torch",)):
        raise missing_extra("torch", "`winnow train`")
    from winnow.train.command import run_training

    return run_training(
        arguments.config,
        overrides=arguments.overrides,
        resume=arguments.resume,
        # `--sample` without a prompt: one sample from the trainer's own
        sample_prompts=None if arguments.sample is None else arguments.sample or [""],
        json=arguments.json,
    )
