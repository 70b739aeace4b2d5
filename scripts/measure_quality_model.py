"""How well a quality model does on real pages that it was not trained on.

    python scripts/measure_quality_model.py winnow/filters/models/quality.en.ftz --notes notes.json

Reads the shared pages (``../shared/data`` beside the checkout). Good: the main text of English
pages as people (or other tools) marked it. Bad: all else that the same pages show, line by line.
Two texts of one page differ in what they are and hardly in topic, which makes this a fair question.
And, of the shared crawl's English documents: pages against pages of links, both after extraction,
a harder and more doubtful one. ``--notes`` writes the findings for the card.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from winnow.extract.stage import Extract
from winnow.filters.language import LanguageFilter
from winnow.filters.quality import QualityFilter
from winnow.filters.quality_figures import auc, precision_at_top
from winnow.pipeline.stage import Tally
from winnow.sources.warc import WarcSource

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
LEAST_CHARS = 100
LEAST_PROB = 0.4  # of English: the rest of a page is short and full of names


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--notes", type=Path)
    args = parser.parse_args()
    if not SHARED.is_dir():
        raise SystemExit(f"{SHARED} is not here")
    stage = QualityFilter(model=args.model)
    lines = []
    marked = list(marked_pages())
    for kinds, who in ((("full-human",), "by people"), (("full-human", "full-tool"), "by all")):
        good = english([main for kind, main, _ in marked if kind in kinds])
        bad = english([rest for kind, _, rest in marked if kind in kinds])
        lines.append(
            f"main text marked {who} against the rest of the same pages: {len(good)} and "
            f"{len(bad)} English texts, {compared(stage, good, bad)}"
        )
    pages, lists = crawl_documents()
    lines.append(
        f"pages against pages of links of a crawl, both extracted: {len(pages)} and {len(lists)} "
        f"English documents, {compared(stage, pages, lists)}"
    )
    print("\n".join(lines))
    if args.notes:
        note = "\n".join(f"- {line}" for line in lines)
        text = (
            "None of these pages was trained on. They helped to choose among six settings (pairs "
            "of words or none, learning rate), so the figures flatter a little.\n\n"
            f"{note}\n\nMeasured by scripts/measure_quality_model.py."
        )
        args.notes.write_text(json.dumps({"On pages it never saw": text}), "utf-8")


def compared(stage: QualityFilter, good: list[str], bad: list[str]) -> str:
    batch = pa.record_batch({"text": pa.array([*good, *bad], pa.large_string())})
    scores = stage.open()(batch).column("quality_score").to_numpy()
    is_good = np.arange(len(scores)) < len(good)
    area, best = auc(scores, is_good), precision_at_top(scores, is_good, 0.1)
    medians = [float(np.median(scores[side])) for side in (is_good, ~is_good)]
    return (
        f"AUC {area:.3f}, precision among the best 10 % {best:.3f}, "
        f"median score {medians[0]:.2f} against {medians[1]:.2f}"
    )


def english(texts: list[str]) -> list[str]:
    found = LanguageFilter(chars=0).open()(
        pa.record_batch({"text": pa.array(texts, pa.large_string())})
    )
    return [
        text
        for text, language, prob in zip(
            texts,
            *(found.column(n).to_pylist() for n in ("language", "language_prob")),
            strict=True,
        )
        if language == "en" and prob > LEAST_PROB and len(text) >= LEAST_CHARS
    ]


def batches(pattern: str, columns: list[str]) -> Iterator[dict[str, Any]]:
    source = WarcSource(paths=tuple(map(str, sorted(SHARED.glob(pattern)))))
    read, extract = source.open(), Extract().open()
    for split in source.splits():
        for batch in read(split, Tally()):
            yield from (
                (batch if "payload" in columns else extract(batch)).select(columns).to_pylist()
            )


def marked_pages() -> Iterator[tuple[str, str, str]]:
    """(kind of label, main text, all else) of every page whose main text is known."""
    from resiliparse.extract.html2text import extract_plain_text

    rows = pq.read_table(SHARED / "pages" / "labels-open.parquet").to_pylist()
    labels = {row["record_id"].strip("<>").removeprefix("urn:uuid:"): row for row in rows}
    for row in batches("pages/open-*.warc.gz", ["record_id", "payload"]):
        label = labels.get(row["record_id"].removeprefix("urn:uuid:"))
        if not label or not label["label_kind"].startswith("full") or not label["gold_text"]:
            continue
        main = letters(label["gold_text"])
        html = row["payload"].decode("utf-8", "replace")
        shown = extract_plain_text(html, main_content=False, alt_texts=False).split("\n")
        rest = [line for line in shown if letters(line) and letters(line) not in main]
        yield label["label_kind"], label["gold_text"], "\n".join(rest)


def crawl_documents() -> tuple[list[str], list[str]]:
    kinds = {}
    with gzip.open(SHARED / "crawl" / "manifest.jsonl.gz", "rt") as file:
        for line in file:
            entry = json.loads(line)
            kinds[entry["url"]] = entry["kind"]
    found: dict[str, list[str]] = {"page": [], "list": [], "api": []}
    columns = ["url", "text", "extract_problem"]
    for row in batches("crawl/crawl-*.warc.gz", columns):
        if row["extract_problem"] is None and row["url"] in kinds:
            found[kinds[row["url"]]].append(row["text"])
    return english(found["page"]), english(found["list"])


def letters(text: str) -> str:
    return re.sub(r"\W+", "", text).lower()


if __name__ == "__main__":
    main()
