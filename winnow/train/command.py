"""``winnow train``: one run from a config, said in a few lines."""

from __future__ import annotations

import dataclasses
import json as json_format
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from winnow.optional import require
from winnow.train.config_file import load_config

if TYPE_CHECKING:
    from winnow.train.loop import Result, Trainer

DEFAULT_PROMPT = "The"


def run_training(
    config_path: str | Path,
    overrides: Sequence[str] = (),
    resume: str | None = None,
    sample_prompts: Sequence[str] | None = None,
    json: bool = False,
) -> int:
    """Train as the config says and return the exit code: 0, also after SIGTERM (a preempted job
    is not a failed one); 130 after Ctrl-C, so that ``winnow train … && next`` stops there.

    ``overrides``: ``section.key=value`` each. ``resume``: "auto" or "never", instead of the
    config's. ``sample_prompts``: texts to continue with the trained model; empty strings stand
    for ``DEFAULT_PROMPT``; None: no sample. ``json``: one JSON object on standard output at the
    end, and all else on standard error. Raises the errors of :mod:`winnow.errors`.
    """
    if resume is not None:
        overrides = [*overrides, f'checkpoint.resume="{resume}"']
    config = load_config(config_path, overrides)
    # Read when torch is first imported. By default OpenMP threads spin while they wait for each
    # other, and on a machine that is busy with something else that takes the core from the very
    # thread they wait for: a step of the demo then took three times as long and more.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    require("torch", "winnow train")
    if sample_prompts is not None:
        require("tokenizers", "winnow train --sample")  # now, not after an hour of training
    from winnow.train.loop import Trainer

    say = _say_to_stderr if json else print
    trainer = Trainer(config, say)
    _introduce(trainer)
    result = trainer.run()
    _conclude(trainer, result)
    samples: list[dict[str, str]] = []
    if sample_prompts is not None and result.stopped is None:
        samples = _sample(trainer, [prompt or DEFAULT_PROMPT for prompt in sample_prompts])
    if json:
        print(json_format.dumps({**_facts(trainer, result), "samples": samples}))
    return 130 if result.stopped == "SIGINT received" else 0


def _introduce(trainer: Trainer) -> None:
    shards, settled, shape = trainer.train_shards, trainer.settled, trainer.model.shape
    say = trainer.say
    say(
        f"model   {settled.parameters:,} parameters: {shape.layers} layers of width "
        f"{shape.width}, vocabulary {shape.vocab_size:,}"
    )
    say(
        f"corpus  {shards.documents:,} documents, {shards.tokens:,} tokens, "
        f"fingerprint {shards.fingerprint[:12]}"
    )
    tokens = settled.steps * settled.global_tokens
    say(
        f"run     {settled.steps:,} steps of {settled.global_tokens:,} tokens, "
        f"{tokens / trainer.order.epoch_tokens:.2f} epochs, peak lr {settled.lr:.2e}, on "
        f"{trainer.device.type} ({str(trainer.model.compute_dtype).removeprefix('torch.')}, "
        f"attention '{trainer.backend}')"
    )
    if trainer.resumed is not None:
        say(f"resume  from {trainer.resumed.path}")
        if trainer.at.step >= settled.steps:
            say("        nothing left to train: raise batch.steps, or use another folder")


def _conclude(trainer: Trainer, result: Result) -> None:
    say = trainer.say
    if result.stopped:
        say(
            f"{result.stopped}: saved step {result.step:,} of {result.steps:,} in "
            f"{trainer.config.checkpoint.folder}; the same command goes on from there"
        )
        return
    say(f"saved   {trainer.config.checkpoint.folder} ({result.seconds:.0f} s)")
    if result.skipped:
        say(
            f"note    {result.skipped} updates were skipped; {trainer.metrics.path} says why, and "
            "which documents they had read"
        )
    if result.before and result.after:
        was, now = result.before, result.after
        say(f"validation  {trainer.objective.describe(was)} -> {trainer.objective.describe(now)}")


def _sample(trainer: Trainer, prompts: Sequence[str]) -> list[dict[str, str]]:
    from winnow.train.sample import generate, load_model

    loaded = load_model(trainer.config.checkpoint.folder, trainer.device)
    samples = []
    for prompt in prompts:
        text = generate(loaded, prompt)
        trainer.say(f"sample  {prompt}|{text}")
        samples.append({"prompt": prompt, "text": text})
    return samples


def _facts(trainer: Trainer, result: Result) -> dict[str, Any]:
    shards = trainer.train_shards
    return {
        "parameters": trainer.settled.parameters,
        "documents": shards.documents,
        "tokens": shards.tokens,
        "fingerprint": shards.fingerprint,
        "resumed_from": trainer.resumed and trainer.resumed.step,
        "checkpoint_folder": str(trainer.config.checkpoint.folder),
        "metrics": str(trainer.metrics.path),
        **dataclasses.asdict(result),
    }


def _say_to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
