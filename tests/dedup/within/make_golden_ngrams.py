"""Writes golden_ngrams.json.gz: what share of the 13-grams of each paragraph Dolma had seen before.

Run it where ``benchmarks/peers/dolma_ngrams.py`` runs (Dolma 1.2.1, which is compiled with
unicode-segmentation 1.11), from anywhere: ``python tests/dedup/within/make_golden_ngrams.py``. Dolma
has BFF's words and paragraphs, adds every n-gram that it reads, and counts those that a paragraph
repeats of itself.
"""

# ruff: noqa: E501 (words by kind)

import gzip
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

PEER = Path(__file__).parents[3] / "benchmarks" / "peers" / "dolma_ngrams.py"
WORDS = [
    "a", "b", "c", "I",
    "can't", "ma'am", "e.g.", "3.14", "1,000", "v2.0", "http://example.org/a_b?c=1", "x-ray", "#1",
    "naïve", "cafe\u0301", "ＡＢＣ", "文", "漢字かな", "カタカナー", "ｶﾞ", "한국어", "ภาษาไทย", "हिन्दी", "العربية",
    "עברית", 'צה"ל', "א'", "🇩🇪🇫🇷", "👩\u200d👩\u200d👧", "👍🏽", "👩\u200d🌾", "…", "»", "--", "$9.99", "50%",
    "soft\u00adhyphen", "zero\u200bwidth", "joi\u200dner", "\ufeff", "\u2060", "\x1c", "\x00", "ǅ", "Ⅷ", "²",
    "a:b", "a;b", "a·b", "1.a", "_x_", "..", "''", "\u0301", "﷽", "𝔘𝔫𝔦", "٣٫١٤",
]  # fmt: skip
GAPS = (
    [" "] * 30
    + ["\n"] * 2
    + ["\r\n", "\t", "\x85", "\u2028", "\u3000", "\xa0", " \u0301", "  ", ""]
)


def texts(count: int) -> list[str]:
    draw = random.Random(0)
    found: list[str] = []
    for _ in range(count):
        pieces = [draw.choice(WORDS) + draw.choice(GAPS) for _ in range(draw.randrange(120))]
        if found:
            for _ in range(2):
                earlier = draw.choice(found)
                start = draw.randrange(len(earlier) + 1)
                place = draw.randrange(len(pieces) + 1)
                pieces.insert(place, earlier[start : start + draw.randrange(200)])
        found.append("".join(pieces))
    return found


def main() -> None:
    cases = texts(150)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "documents").mkdir()
        with gzip.open(folder / "documents" / "0.jsonl.gz", "wt", encoding="utf-8") as file:
            for number, text in enumerate(cases):
                file.write(json.dumps({"id": str(number), "text": text}) + "\n")
        subprocess.run([sys.executable, PEER, name, "100000", "1e-9", "0.0"], check=True)
        with gzip.open(folder / "attributes" / "ngrams" / "0.jsonl.gz", "rt") as file:
            rows = [json.loads(line)["attributes"].get("ngrams", []) for line in file]
    result = [
        {"text": text, "shares": [share for _, _, share in spans]}
        for text, spans in zip(cases, rows, strict=True)
    ]
    target = Path(__file__).with_name("golden_ngrams.json.gz")
    data = json.dumps(result, ensure_ascii=False).encode()
    target.write_bytes(gzip.compress(data, mtime=0))


if __name__ == "__main__":
    main()
