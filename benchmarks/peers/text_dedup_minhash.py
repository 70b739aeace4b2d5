"""A peer of dedup.py: text-dedup's MinHash with the same bands, one process.

Runs under a Python of its own (``python3.11 -m venv .venv-text-dedup`` and ``pip install
text-dedup==0.4.1``). ``--input`` is a folder of JSON lines with ``text``. It normalises and hashes
otherwise, so its clusters are others. Prints one JSON object: CPU seconds (imports not counted) and
how many documents stay.
"""

import argparse
import json
import os


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--input", required=True)
    arguments.add_argument("--work", required=True)
    args = arguments.parse_args()
    import datasets
    from text_dedup import minhash

    datasets.disable_progress_bars()
    options = {
        "path": "json", "data_files": f"{args.input}/*.jsonl", "split": "train", "column": "text",
        "output": f"{args.work}/out", "cache_dir": f"{args.work}/cache", "batch_size": 10_000,
        "num_proc": 1, "ngram": 5, "min_length": 5, "num_perm": 112, "b": 14, "r": 8,
        "hash_func": "xxh3", "hash_bits": 64,
    }  # fmt: skip
    command = [f"--{name}={value}" for name, value in options.items()]
    start = spent()
    minhash.main(command, standalone_mode=False)
    seconds = spent() - start
    kept = len(datasets.load_from_disk(f"{args.work}/out"))
    print(json.dumps({"seconds": seconds, "kept": kept}))


def spent() -> float:
    """CPU seconds of this process and of those that it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
