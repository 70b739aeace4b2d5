"""``winnow sample``."""

from __future__ import annotations

import argparse
import json

from winnow.errors import ConfigError
from winnow.optional import missing, missing_extra


def main(arguments: argparse.Namespace) -> int:
    for module in ("torch", "tokenizers"):
        if missing((module,)):
            raise missing_extra(module, "`winnow sample`")
    if arguments.max_tokens < 1:
        raise ConfigError(f"--max-tokens must be 1 or more, got {arguments.max_tokens}")
    from winnow.train.sample import generate, load_model

    loaded = load_model(arguments.checkpoint)
    samples = [
        {
            "prompt": prompt,
            "text": generate(
                loaded,
                prompt,
                max_tokens=arguments.max_tokens,
                temperature=arguments.temperature,
                top_k=arguments.top_k or None,
                seed=arguments.seed,
            ),
        }
        for prompt in arguments.prompts or ["The"]
    ]
    if arguments.json:
        print(json.dumps({"step": loaded.step, "samples": samples}, ensure_ascii=False))
    else:
        print("\n\n".join(f"{each['prompt']}|{each['text']}" for each in samples))
    return 0
