"""Language identification: documents a second and equal labels, one core.

    python benchmarks/language.py --peer-python .venv-datatrove/bin/python --json FILE

Documents: the shared crawl, extracted, those with a letter in them. Ours is the whole stage, Arrow
in and out, as it ships (the first 1,000 characters, the whole text where these leave doubt), and
once more over whole texts. The peers read whole texts: fastText in one call a document, and
datatrove's LanguageFilter (`benchmarks/peers/datatrove_language.py`; ``datatrove_chain.py`` says
how to install it), both with the lid.176.ftz that winnow ships. CPU seconds without loading,
interleaved, medians. ``same_output`` is whether all labels are equal; what share is, is printed,
and so is the share of equal decisions "English above 0.65".
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from rows import ROOT, SHARED, Row, median, parser, report, run_child

from winnow.extract.stage import Extract
from winnow.filters.language import LanguageFilter
from winnow.pipeline.stage import Tally
from winnow.sources.warc import WarcSource

LID = ROOT / "winnow" / "filters" / "models" / "lid.176.ftz"
PEER = ROOT / "benchmarks" / "peers" / "datatrove_language.py"
BATCH_ROWS = 1024
MIN_PROB = 0.65

Found = dict[str, Any]  # seconds, labels, kept


def documents(pattern: str) -> list[str]:
    """The extracted texts that have a letter."""
    source = WarcSource(paths=tuple(map(str, sorted((SHARED / "crawl").glob(pattern)))))
    read, extract = source.open(), Extract().open()
    return [
        text
        for split in source.splits()
        for batch in read(split, Tally())
        for text in extract(batch).column("text").to_pylist()
        if any(map(str.isalpha, text))
    ]


def ours(texts: list[str], **options: Any) -> Callable[[], Found]:
    function = LanguageFilter(**options).open()
    whole = pa.record_batch({"text": pa.array(texts, pa.large_string())})
    batches = [whole.slice(start, BATCH_ROWS) for start in range(0, len(texts), BATCH_ROWS)]

    def run() -> Found:
        start = time.process_time()
        results = [function(batch) for batch in batches]
        seconds = time.process_time() - start
        labels = [label for batch in results for label in batch.column("language").to_pylist()]
        probs = [prob for batch in results for prob in batch.column("language_prob").to_pylist()]
        return found(seconds, labels, probs)

    return run


def fasttext_whole(texts: list[str]) -> Callable[[], Found]:
    import fasttext

    model = fasttext.load_model(str(LID))

    def run() -> Found:
        start = time.process_time()
        results = [model.predict(text.replace("\n", " ")) for text in texts]
        seconds = time.process_time() - start
        labels = [labels[0].removeprefix("__label__") for labels, _ in results]
        return found(seconds, labels, [float(probs[0]) for _, probs in results])

    return run


def datatrove(texts: list[str], python: str) -> Callable[[], Found]:
    def run() -> Found:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "texts.json"
            path.write_text(json.dumps(texts), encoding="utf-8")
            command = [python, str(PEER), "--texts", str(path), "--lid", str(LID)]
            return run_child(command).result

    return run


def found(seconds: float, labels: list[str], probs: list[float]) -> Found:
    pairs = zip(labels, probs, strict=True)
    kept = [label == "en" and prob > MIN_PROB for label, prob in pairs]
    return {"seconds": seconds, "labels": labels, "kept": kept}


def equal_share(one: list[Any], other: list[Any]) -> float:
    same: list[bool] = [a == b for a, b in zip(one, other, strict=True)]
    return sum(same) / len(one)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--peer-python", default=".venv-datatrove/bin/python")
    arguments.add_argument("--input", default="crawl-*.warc.gz", help="files of the shared crawl")
    args = arguments.parse_args()
    if not (SHARED / "crawl").is_dir():
        raise SystemExit(f"{SHARED / 'crawl'} is not here: this benchmark reads the shared crawl")
    texts = documents(args.input)
    sides: dict[str, Callable[[], Found]] = {
        "winnow": ours(texts),
        "winnow, whole texts": ours(texts, chars=0),
        "fastText on whole texts": fasttext_whole(texts),
        "datatrove 0.10.0 LanguageFilter": datatrove(texts, args.peer_python),
    }
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    last: dict[str, Found] = {}
    for _ in range(args.rounds):
        for side, run in sides.items():
            last[side] = run()
            seconds[side].append(last[side]["seconds"])
    speed = {side: len(texts) / median(times) for side, times in seconds.items()}
    rows = []
    for mine in ("winnow", "winnow, whole texts"):
        for peer in ("fastText on whole texts", "datatrove 0.10.0 LanguageFilter"):
            labels = equal_share(last[mine]["labels"], last[peer]["labels"])
            kept = equal_share(last[mine]["kept"], last[peer]["kept"])
            print(f"{mine} / {peer}: labels equal {labels:.2%}, decisions equal {kept:.2%}")
            rows.append(
                Row(
                    name=f"language{mine.removeprefix('winnow')}", unit="docs/s", ours=speed[mine],
                    peer=speed[peer], peer_name=peer, ratio=speed[mine] / speed[peer],
                    same_output=labels == 1.0, input=f"{args.input}, {len(texts):,} documents",
                )
            )  # fmt: skip
    report(rows, args.json)


if __name__ == "__main__":
    main()
