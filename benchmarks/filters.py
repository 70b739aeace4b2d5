"""FineWeb's four filters, and all measures together: documents a second, one core.

    python benchmarks/filters.py --peer-python .venv-datatrove/bin/python --json FILE

Documents: the shared crawl, extracted, those in English (probability 0.65 and more). Ours reads
each text once, in a process that has seen no other: its table of words starts empty, and code is
loaded but not warm ("cold"); and once more over the same texts ("warm"). All four filters measure
every document to its end, where datatrove (`benchmarks/peers/datatrove_filters.py`;
``datatrove_chain.py`` says how to install it) leaves a document at the first filter that drops it.
CPU seconds without imports and start, interleaved, medians. ``same_output``: the verdict and the
first reason of every document are equal.

``all measures`` is every filter that needs no list or model of yours, each in its recipe's place;
it has no peer, and is compared with the four filters of datatrove. ``--profile`` prints where the
time goes.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
from rows import ROOT, SHARED, Row, median, parser, report, run_child

if TYPE_CHECKING:
    from winnow.pipeline.stage import Filter

PEER = ROOT / "benchmarks" / "peers" / "datatrove_filters.py"
BATCH_ROWS = 1024
MIN_PROB = 0.65
REASONS = {
    "dup_para_frac": "dup_paragraph_share",
    "dup_para_char_frac": "dup_paragraph_chars_share",
    "dup_line_frac": "dup_line_share",
    "dup_line_char_frac": "dup_line_chars_share",
    **{f"top_{n}_gram": f"top_{n}gram_chars_share" for n in (2, 3, 4)},
    **{f"duplicated_{n}_n_grams": f"dup_{n}gram_chars_share" for n in range(5, 11)},
    "gopher_short_doc": "word_count",
    "gopher_long_doc": "word_count",
    "gopher_below_avg_threshold": "mean_word_chars",
    "gopher_above_avg_threshold": "mean_word_chars",
    "gopher_too_many_hashes": "hash_symbol_share",
    "gopher_too_many_ellipsis": "ellipsis_symbol_share",
    "gopher_too_many_bullets": "bullet_line_share",
    "gopher_too_many_end_ellipsis": "ellipsis_line_share",
    "gopher_below_alpha_threshold": "alpha_word_share",
    "gopher_enough_stop_words": "stop_word_count",
    "lorem_ipsum": "lorem_ipsum_line_count",
    "curly_bracket": "curly_bracket_line_count",
    "too_few_sentences": "c4_sentence_count",
    "empty": "nonblank_line_count",
    "line_punct_ratio": "line_punct_share",
    "short_line_ratio": "short_line_share",
    "char_dup_ratio": "fineweb_dup_chars_share",
    "list_ratio": "newline_word_share",
}
FOUR = ("datatrove-0.10",)
ALL = ("datatrove-0.10", "c4", "dclm", "dolma-1.7", "redpajama-v2", "data-juicer")


def documents(pattern: str) -> list[str]:
    """The extracted texts that are English."""
    from winnow.extract.stage import Extract
    from winnow.filters.language import LanguageFilter
    from winnow.pipeline.stage import Tally
    from winnow.sources.warc import WarcSource

    source = WarcSource(paths=tuple(map(str, sorted((SHARED / "crawl").glob(pattern)))))
    read, extract, identify = source.open(), Extract().open(), LanguageFilter().open()
    found: list[str] = []
    for split in source.splits():
        for batch in read(split, Tally()):
            for row in identify(extract(batch)).to_pylist():
                if row["language"] == "en" and row["language_prob"] >= MIN_PROB:
                    found.append(row["text"])
    return found


def chains(recipes: tuple[str, ...]) -> tuple[list[Any], tuple[Any, ...]]:
    """The measurings of the recipes, `language` left out, and the bounds of the first."""
    from winnow.pipeline.config import recipe_entry
    from winnow.pipeline.measuring import Chains

    schema = pa.schema([("doc_id", pa.uint64()), ("text", pa.large_string())])
    found = Chains(schema)
    bounds: list[Any] = []
    for number, name in enumerate(recipes):
        entries = recipe_entry(name, Path(), "benchmark").stages
        entries = tuple(each for each in entries if not each.name.startswith("language"))
        found.add(name, [(each.name, cast("Filter", each.stage)) for each in entries])
        if number == 0:
            bounds = [bound for each in entries for bound in each.bounds]
    return found.measurings, tuple(bounds)


def child(texts_file: str, recipes: tuple[str, ...]) -> None:
    """Measure the texts twice and print seconds, verdicts, and the seconds of each filter."""
    from winnow.pipeline.bounds import judge

    texts = json.loads(Path(texts_file).read_text("utf-8"))
    whole = pa.record_batch(
        {
            "doc_id": pa.array(range(len(texts)), pa.uint64()),
            "text": pa.array(texts, pa.large_string()),
        }
    )
    measurings, bounds = chains(recipes)
    functions = [each.filter.open() for each in measurings]
    parts: dict[str, float] = {}

    def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        rewritten = {-1: batch.column("text")}
        for place, (each, function) in enumerate(zip(measurings, functions, strict=True)):
            start = time.process_time()
            seen = pa.record_batch(
                [batch.column("doc_id"), rewritten[each.text]], names=["doc_id", "text"]
            )
            result = function(seen)
            if each.rewrites:
                rewritten[place] = result.column("text")
            for field in each.filter.measure_fields():
                columns[field.name] = result.column(field.name)
            name = f"{each.filter.use}{' ' * bool(each.filter.suffix)}{each.filter.suffix}"
            parts[name] = parts.get(name, 0.0) + time.process_time() - start
        return pa.record_batch(list(columns.values()), names=list(columns))

    def run() -> tuple[float, list[str]]:
        start = time.process_time()
        verdicts: list[str] = []
        for first in range(0, len(texts), BATCH_ROWS):
            verdicts += judge(measure(whole.slice(first, BATCH_ROWS)), bounds)[0].to_pylist()
        return time.process_time() - start, verdicts

    empty = pa.record_batch({"doc_id": pa.array([0], pa.uint64()), "text": ["Load {the} code."]})
    measure(empty)
    parts.clear()
    cold, verdicts = run()
    cold_parts = dict(parts)
    parts.clear()
    warm, again = run()
    assert verdicts == again
    count = sum(len(each.filter.measure_fields()) for each in measurings)
    print(
        json.dumps(
            {
                "cold": cold, "warm": warm, "verdicts": verdicts, "measures": count,
                "cold_parts": cold_parts, "warm_parts": parts,
            }
        )
    )  # fmt: skip


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--peer-python", default=".venv-datatrove/bin/python")
    arguments.add_argument("--input", default="crawl-*.warc.gz", help="files of the shared crawl")
    arguments.add_argument("--profile", action="store_true", help="where the time goes")
    arguments.add_argument("--child", nargs="+", metavar="ARG", help="(for the benchmark itself)")
    args = arguments.parse_args()
    if args.child:
        child(args.child[0], tuple(args.child[1:]))
        return
    if not (SHARED / "crawl").is_dir():
        raise SystemExit(f"{SHARED / 'crawl'} is not here: this benchmark reads the shared crawl")
    texts = documents(args.input)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texts.json"
        file.write_text(json.dumps(texts), encoding="utf-8")

        def ours(recipes: tuple[str, ...]) -> Callable[[], dict[str, Any]]:
            command = [sys.executable, str(Path(__file__).resolve()), "--child", str(file)]
            return lambda: run_child([*command, *recipes]).result

        def theirs() -> dict[str, Any]:
            return run_child([args.peer_python, str(PEER), "--texts", str(file)]).result

        ours(ALL)()  # compile, once a machine
        rounds = [(ours(FOUR)(), ours(ALL)(), theirs()) for _ in range(args.rounds)]
    four, everything, peer = rounds[-1]
    expected = [REASONS.get(reason, reason) for reason in peer["reasons"]]
    pairs = zip(expected, four["verdicts"], strict=True)
    differing = sum(a != b for a, b in pairs)
    print(f"{len(texts):,} documents; {differing} verdicts or first reasons differ")
    peer_speed = len(texts) / median([each["seconds"] for *_, each in rounds])
    rows = []
    for name, place, key in (
        ("four FineWeb filters, cold", 0, "cold"),
        ("four FineWeb filters, warm", 0, "warm"),
        (f"all {everything['measures']} measures, cold", 1, "cold"),
        (f"all {everything['measures']} measures, warm", 1, "warm"),
    ):
        speed = len(texts) / median([each[place][key] for each in rounds])
        rows.append(
            Row(
                name=name, unit="docs/s", ours=speed, peer=peer_speed,
                peer_name="datatrove 0.10.0, four filters", ratio=speed / peer_speed,
                same_output=differing == 0, input=f"{args.input}, {len(texts):,} English documents",
            )
        )  # fmt: skip
    report(rows, args.json)
    if args.profile:
        for key in ("cold_parts", "warm_parts"):
            print(f"\n{key.partition('_')[0]}, microseconds a document")
            for name, seconds in everything[key].items():
                print(f"  {name:<28}{seconds / len(texts) * 1e6:>8.1f}")


if __name__ == "__main__":
    main()
