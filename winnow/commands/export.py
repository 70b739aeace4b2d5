"""``winnow export``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from winnow.errors import WinnowError
from winnow.optional import missing, missing_extra


def main(arguments: argparse.Namespace) -> int:
    for module in ("torch", "safetensors"):
        if missing((module,)):
            raise missing_extra(module, "`winnow export`")
    from winnow.train.checkpoint import find_checkpoint
    from winnow.train.export_hf import export_hf

    checkpoint = find_checkpoint(Path(arguments.checkpoint))
    card = model_card(checkpoint.path, checkpoint.values, Path(arguments.output).name)
    folder = export_hf(checkpoint.path, arguments.output, dtype=arguments.dtype, card=card)
    files = sorted(file.name for file in folder.iterdir())
    if arguments.json:
        print(json.dumps({"output": str(folder), "step": checkpoint.step, "files": files}))
    else:
        print(f"exported step {checkpoint.step:,} to {folder}: {', '.join(files)}")
        print(f"  transformers.AutoModelForCausalLM.from_pretrained({str(folder)!r})")
    return 0


def model_card(checkpoint: Path, values: dict[str, Any], name: str) -> str:
    """README.md of an exported model: what it was trained on, how, and how good it is."""
    shape, settled = values["shape"], values.get("settled", {})
    lines = ["---", "library_name: transformers", "tags: [winnow]", "---", "", f"# {name}", ""]
    lines += [
        f"A causal language model of {settled.get('parameters', 0):,} parameters, trained by "
        f"winnow {values.get('versions', {}).get('winnow', '?')}: {shape['layers']} layers of "
        f"width {shape['width']}, {shape['heads']} heads ({shape['kv_heads']} of keys and values), "
        f"vocabulary {shape['vocab_size']:,}.",
        "",
        "## Training",
        "",
        f"- step {values['step']:,}, {values.get('tokens', 0):,} tokens",
        f"- corpus fingerprint `{values.get('order', {}).get('fingerprint', '?')}`",
        f"- peak learning rate {settled.get('lr', 0):.3g}, {settled.get('global_tokens', 0):,} "
        f"tokens a step, contexts of {values['config']['data']['max_context']:,}",
        "- no token begins a document; the end-of-text id ends it",
    ]
    lines += _figures(checkpoint.parent)
    lines += _funnel(Path(values["config"]["data"].get("path", "")))
    return "\n".join(lines) + "\n"


def _figures(folder: Path) -> list[str]:
    from winnow.train.metrics import FILE, read_metrics

    found = [line for line in read_metrics(folder / FILE) if line["kind"] == "evaluation"]
    if not found:
        return []
    lines = [
        "",
        "## Validation",
        "",
        "| step | bits per byte | loss (nats a token) |",
        "|---|---|---|",
    ]
    lines += [
        f"| {each['step']:,} | {each['bits_per_byte']:.4f} | {each['loss']:.4f} |" for each in found
    ]
    return lines


def _funnel(tokens: Path) -> list[str]:
    """What became of the crawl, where the run that made the tokens is still beside them."""
    from winnow.funnel import read_funnel

    try:
        funnel = read_funnel(str(tokens.parent))
    except (WinnowError, OSError):
        return []
    return [
        "",
        "## Data",
        "",
        f"Curated by the run `{funnel.name}`:",
        "",
        "```",
        *funnel.lines(),
        "```",
    ]
