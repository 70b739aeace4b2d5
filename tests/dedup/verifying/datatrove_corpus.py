"""Texts for the comparison with datatrove, made here; and how datatrove is asked.

``python tests/dedup/verifying/datatrove_corpus.py PYTHON`` writes the golden answers anew, with a
Python that has datatrove 0.10.0 and spacy.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden_datatrove.json"
PEER = HERE.parents[2] / "benchmarks" / "peers" / "datatrove_dedup.py"
SYLLABLES = ["ka", "lo", "mi", "nu", "pe", "ra", "su", "ti", "vo", "xe"]


def corpus() -> list[list[str]]:
    """Texts in three files: pages and copies of them with more and less changed, pages of fewer
    words than a shingle, numbers and punctuation, no two pages equal byte for byte."""
    draw = random.Random(7)
    words = [a + b + c for a in SYLLABLES for b in SYLLABLES for c in ("", "n", "s")]
    found: list[list[str]] = [[], [], []]
    for page in range(60):
        text = [draw.choice(words) for _ in range(draw.randint(40, 160))]
        for _ in range(draw.randint(1, 9)):
            share = draw.choice([0.0, 0.01, 0.02, 0.04, 0.08])
            copy = [draw.choice(words) if draw.random() < share else word for word in text]
            marks = [f"{word}{draw.choice(['', '', '', ',', '.', '!'])}" for word in copy]
            found[draw.randrange(3)].append(f"{' '.join(marks)} ({draw.randint(1, 10**6)})")
            if share and draw.random() < 0.5:
                text = copy  # chains: each like the one before
        if page % 10 == 0:
            found[draw.randrange(3)].append(f"only three {page}")
    return found


def ask(python: str, files: list[list[str]]) -> dict[str, Any]:
    """What datatrove says of the texts: its ``removed`` and ``clusters``."""
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "input"
        source.mkdir()
        for number, texts in enumerate(files):
            lines = [json.dumps({"id": f"{number}/{i}", "text": t}) for i, t in enumerate(texts)]
            (source / f"{number:05d}.jsonl").write_text("".join(f"{each}\n" for each in lines))
        command = [python, str(PEER), "--input", str(source), "--work", f"{name}/work"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))


if __name__ == "__main__":
    answer = ask(sys.argv[1], corpus())
    kept = {key: answer[key] for key in ("removed", "clusters")}
    GOLDEN.write_text(json.dumps(kept, separators=(",", ":")) + "\n")
