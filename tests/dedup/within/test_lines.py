"""The block ``lines`` against slow twins: any texts, shards, parts and memory."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.lines import Lines
from winnow.dedup.within import occurrence_files, occurrences
from winnow.pipeline.fingerprint import canonical, digest
from winnow.pipeline.step import Draft, PlanContext

HERE = Path(__file__).resolve().parent
CRAWL = HERE.parents[2] / ".." / "shared" / "data" / "crawl"
PYTHON = "WINNOW_DATATROVE_PYTHON"
Run = Callable[..., Any]
EXPAND = Lines.expand
Shards = list[list[dict[str, Any]]]


def beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HASHES, PIECES = beside("test_line_hashes"), beside("test_line_pieces")
NORMALISE = {"line": "ccnet", "paragraph": "ccnet", "sentence": "datatrove"}
SPAN = {"line": 1, "paragraph": 1, "sentence": 3}


def slow(block: Lines, shards: Shards) -> dict[tuple[int, int], str | None]:
    """What is left of each document that changes."""
    twin = HASHES.TWINS[block.normalise or NORMALISE[block.unit]]
    span = block.span or SPAN[block.unit]
    remove = (block.repeats or ("count" if block.unit == "sentence" else "remove")) == "remove"
    counts: Counter[Any] = Counter()
    documents = {}
    for shard, rows in enumerate(shards):
        for place, row in enumerate(rows):
            if row.get("rejected"):
                continue
            pieces = PIECES.strings([row["text"]], PIECES.pieces_of([row["text"]], block.unit))[0]
            ends = len(pieces)
            while ends and not pieces[ends - 1].strip():
                ends -= 1
            units = {}
            for start in range(ends - span + 1):
                run = pieces[start : start + span]
                names = tuple(map(twin, run))
                if any(names) and sum(len(p.strip()) for p in run) >= block.min_unit_chars:
                    units[start] = names
            documents[shard, place] = (row["text"], pieces, units)
            counts.update(set(units.values()) if remove else units.values())
    seen: Counter[Any] = Counter()
    left = {}
    for where, (text, pieces, units) in documents.items():
        gone = [False] * len(pieces)
        here = set()
        for start, names in units.items():
            goes = counts[names] > block.max_count and (block.keep == "none" or seen[names] > 0)
            if remove and names in here:
                goes = True
            elif not remove:
                seen[names] += 1
            here.add(names)
            if goes:
                gone[start : start + span] = [True] * span
        if remove:
            seen.update(here)
        if any(gone):
            left[where] = PIECES.rest(text, block.unit, gone)
    return left


LINES = st.sampled_from(
    [
        "Home",
        "home ",
        "Page 1",
        "Page 2",
        "",
        " ",
        "a",
        "A!",
        "“a”",
        "...",
        "Ünïque é",
        "b b",
        "B  b",
    ]
)
SENTENCES = st.sampled_from(
    ["One.", "one!", "Two 2.", "Two 3.", "Three?", "Four", "...", " ", "Five. Six", "é.", "e."]
)


@st.composite
def documents(draw: Any, unit: str) -> Shards:
    if unit == "sentence":
        texts = st.lists(SENTENCES, max_size=9).map(" ".join)
    else:
        texts = st.lists(LINES, max_size=9).map("\n".join)
    row = st.fixed_dictionaries({"text": texts, "rejected": st.sampled_from([False] * 4 + [True])})
    return draw(st.lists(st.lists(row, max_size=4), min_size=1, max_size=3))


@pytest.mark.parametrize("unit", ["line", "paragraph", "sentence"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_block_does_what_plain_python_does(
    unit: Any, data: st.DataObject, run_dedup: Run
) -> None:
    shards = data.draw(documents(unit))
    block = Lines(
        unit=unit,
        span=data.draw(st.sampled_from([0, 0, 1, 2])),
        normalise=data.draw(st.sampled_from([None, None, "ccnet-paper", "datatrove", "none"])),
        keep=data.draw(st.sampled_from(["first", "none"])),
        max_count=data.draw(st.sampled_from([1, 1, 2])),
        repeats=data.draw(st.sampled_from([None, "count", "remove"])),
        min_unit_chars=data.draw(st.sampled_from([0, 0, 3])),
        min_words=0,
        min_units=0,
        memory_bytes=data.draw(st.sampled_from([1_000_000, 10**9])),
    )
    left = slow(block, [[dict(row) for row in rows] for rows in shards])
    outcome = run_dedup(block, shards, input_bytes=data.draw(st.sampled_from([0, 10**8])))
    prefix = f"{unit}_dedup"
    for shard, (rows, found) in enumerate(zip(shards, outcome.rows, strict=True)):
        assert len(rows) == len(found)
        for place, (row, verdict) in enumerate(zip(rows, found, strict=True)):
            where = (shard, place)
            if row.get("rejected"):
                assert set(verdict.values()) == {shard << 32 | place, None}
            elif where not in left:
                assert verdict["verdict"] == "kept"
                assert verdict["text"] is verdict["text_bytes"] is None
                assert verdict[f"{prefix}_removed_count"] == 0
                assert verdict[f"{prefix}_left_count"] is None
            elif not left[where]:
                assert verdict["verdict"] == f"{prefix}_left_count"
                assert verdict["text"] is None
            else:
                assert (verdict["verdict"], verdict["text"]) == ("kept", left[where])
                assert verdict["text_bytes"] == len(left[where].encode())
                share = 1 - len(left[where]) / len(row["text"])
                assert verdict[f"{prefix}_removed_chars_share"] == pytest.approx(share)
    counters = outcome.counters["dedup"]
    assert counters["changed_documents"] == len(left)
    assert counters["removed_bytes"] == sum(
        len(shards[shard][place]["text"].encode()) - len(text.encode())
        for (shard, place), text in left.items()
    )


@given(shards=documents("line"))
@settings(max_examples=15, deadline=None)
def test_parts_groups_and_memory_do_not_show(shards: Shards, run_dedup: Run) -> None:
    block = Lines(keep="none")
    hashes = []
    for group, parts, memory_bytes in ((1 << 20, 1, 10**9), (2, 4, 10**9), (3, 2, 200)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(occurrence_files, "GROUP_UNITS", group)
            patch.setattr("winnow.dedup.lines.plan_unit_parts", lambda *_, parts=parts: parts)
            rows = [[dict(row) for row in each] for each in shards]

            def narrow(self: Lines, context: PlanContext, memory: int = memory_bytes) -> Any:
                drafts = EXPAND(self, context)
                work = dataclasses.replace(drafts[1].work, memory_bytes=memory)  # type: ignore[type-var]
                return [drafts[0], dataclasses.replace(drafts[1], work=work), *drafts[2:]]

            patch.setattr(Lines, "expand", narrow)
            hashes.append(run_dedup(block, rows).shards["dedup"])
    assert hashes[0] == hashes[1] == hashes[2]


def test_what_is_left_is_tested(run_dedup: Run) -> None:
    line, words = "A line that is there twice.", "one two three four five"
    shards = [[{"text": f"{line}\n{words}"}, {"text": f"{line}\nfour words are left"},
               {"text": line}, {"text": f"{line}\n{words}\n\nand more"},
               {"text": "short"}]]  # fmt: skip
    outcome = run_dedup(Lines(min_words=5, min_units=2), shards)
    assert [(row["verdict"], row["text"]) for row in outcome.rows[0]] == [
        ("kept", None),
        ("line_dedup_left_word_count", None),
        ("line_dedup_left_count", None),
        ("line_dedup_left_word_count", None),
        ("kept", None),
    ]
    assert outcome.rows[0][1]["line_dedup_left_word_count"] == 4
    assert outcome.rows[0][3]["line_dedup_left_count"] == 1
    assert outcome.counters["dedup"]["verdict.line_dedup_left_count"] == 1
    assert outcome.counters["dedup"]["removed_pieces"] == 4
    assert outcome.counters["dedup-units"] == {"documents": 5, "units": 9, "exempt": 0}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"span": -1}, "span"),
        ({"max_count": 0}, "max_count"),
        ({"min_unit_chars": -1}, "min_unit_chars"),
        ({"min_words": -1}, "min_words"),
        ({"memory_bytes": 5}, "memory_bytes"),
    ],
)
def test_impossible_settings_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Lines(**fields)


def test_counting_can_be_planned() -> None:
    fields = {"name": "x", "seed": 0, "document_shards": 1, "columns": None, "sources": ("s",)}
    sizes = {10**9: 1, 10**12: 32, 10**17: occurrences.MAX_PARTS}
    for input_bytes, parts in sizes.items():
        context = PlanContext(input_bytes=input_bytes, **fields)  # type: ignore[arg-type]
        assert occurrences.plan_unit_parts(context, 10**9, 4_000) in (parts, parts // 2)


def plan(block: Lines, input_bytes: int) -> list[Draft]:
    columns = pa.schema([("text", pa.large_string())])
    return block.expand(
        PlanContext(
            name="x", seed=0, document_shards=1, input_bytes=input_bytes, columns=columns,
            sources=("s",),
        )
    )  # fmt: skip


@pytest.mark.parametrize("unit", ["line", "paragraph", "sentence"])
def test_every_step_has_a_cost_that_grows_with_the_input(unit: Any) -> None:
    small, large = (plan(Lines(unit=unit), size) for size in (10**9, 10**12))
    for one, other in zip(small, large, strict=True):
        assert one.cost is not None and other.cost is not None
        assert other.cost.read_bytes > 900 * one.cost.read_bytes > 0
        assert other.cost.written_bytes > 900 * one.cost.written_bytes > 0
        assert 0 < one.cost.memory_bytes <= other.cost.memory_bytes < 2 * 10**9


def test_the_version_of_unicode_is_in_the_fingerprint_where_it_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def prints(block: Lines) -> list[str]:
        return [digest(canonical(draft.work, draft.name)) for draft in plan(block, 0)]

    blocks = [Lines(), Lines(unit="sentence", normalise="none"), Lines(normalise="none")]
    before = [prints(block) for block in blocks]
    monkeypatch.setattr("unicodedata.unidata_version", "99.0")
    after = [prints(block) for block in blocks]
    for old, new in zip(before[:2], after[:2], strict=True):
        assert [a == b for a, b in zip(old, new, strict=True)] == [False, True, False]
    assert before[2] == after[2]


# against datatrove


def assert_as_datatrove(run_dedup: Run, files: list[list[str]], wanted: Any) -> int:
    """Documents that datatrove changes or drops; all texts must be equal."""
    outcome = run_dedup(Lines(unit="sentence"), [[{"text": text} for text in f] for f in files])
    changed = 0
    for texts, rows, answers in zip(files, outcome.rows, wanted, strict=True):
        for text, row, answer in zip(texts, rows, answers, strict=True):
            found = None
            if row["verdict"] == "kept":
                found = text if row["text"] is None else row["text"]
            # datatrove also drops what was empty before
            assert (found or None) == answer, text if len(text) < 2000 else len(text)
            changed += answer != text
    return changed


def test_sentences_go_as_datatroves_do(run_dedup: Run) -> None:
    """One file: there the order of documents is that of the input; see the block."""
    golden = json.loads((HERE / "golden_sentences.json").read_text("utf-8"))
    cases = beside("sentence_cases")
    for seed, wanted in golden.items():
        files = cases.texts(int(seed), 1, 40)
        assert assert_as_datatrove(run_dedup, files, wanted) > 5


@cache
def crawl_texts() -> list[str]:
    from winnow.extract.stage import Extract
    from winnow.pipeline.stage import Tally
    from winnow.sources.warc import WarcSource

    source = WarcSource(paths=tuple(map(str, sorted(CRAWL.glob("crawl-*.warc.gz")))))
    read, extract = source.open(), Extract(engine="resiliparse").open()
    found: list[str] = []
    for split in source.splits():
        for batch in read(split, Tally()):
            found += extract(batch).column("text").to_pylist()
    return found


@pytest.mark.timeout(3600)
def test_sentences_of_the_crawl_go_as_datatroves_do(run_dedup: Run, tmp_path: Path) -> None:
    python = os.environ.get(PYTHON)
    if not python or not CRAWL.exists():
        pytest.skip(f"needs ../shared, and {PYTHON}: a Python with datatrove 0.10")
    files = [crawl_texts()]
    given, answered = tmp_path / "texts.json", tmp_path / "answers.json"
    given.write_text(json.dumps(files), "utf-8")
    script = HERE / "make_golden_sentences.py"
    subprocess.run([python, str(script), str(given), str(answered)], check=True)
    wanted = json.loads(answered.read_text("utf-8"))
    assert assert_as_datatrove(run_dedup, files, wanted) > 100
