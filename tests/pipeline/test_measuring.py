"""Chains of filters: texts rewritten on the way, other recipes beside, each filter run once."""

from pathlib import Path

import pyarrow as pa
import pytest
from toys import ToyCut, ToyLength, filter_entry, toy_config, tree

from winnow.corpus import open_corpus
from winnow.errors import PlanError
from winnow.pipeline.config import ExecutorConfig, RecipeEntry, RunConfig
from winnow.pipeline.measuring import Chains
from winnow.pipeline.plan import make_plan
from winnow.pipeline.runner import run
from winnow.schema import DOCUMENTS


def go(config: RunConfig, workers: int = 1) -> None:
    run(make_plan(config), executor=ExecutorConfig(workers=workers))


CUT = filter_entry("cut", ToyCut())
LENGTH = filter_entry("length", ToyLength(), {"max": 30})
BEFORE = filter_entry("before", ToyLength(measure="whole_chars"), {"min": 20})


def test_filters_after_a_rewrite_read_the_new_text(tmp_path: Path) -> None:
    go(toy_config(tmp_path / "out", filters=(BEFORE, CUT, LENGTH)))
    rows = open_corpus(tmp_path / "out").ledger.arrow().to_pylist()
    assert {row["text_chars"] for row in rows if row["whole_chars"] > 30} == {30.0}
    for row in rows:
        assert row["text_chars"] == min(row["whole_chars"], 30)
        assert row["beyond_30_chars"] == max(row["whole_chars"] - 30, 0)
    assert {row["verdict"] for row in rows} == {"kept", "extract_problem", "whole_chars"}


def test_the_documents_are_read_as_they_were_left(tmp_path: Path) -> None:
    go(toy_config(tmp_path / "out", filters=(CUT, LENGTH)))
    corpus = open_corpus(tmp_path / "out")
    texts = corpus.documents.arrow().column("text").to_pylist()
    assert max(map(len, texts)) == 30
    stored = corpus.store("documents").arrow().column("text").to_pylist()
    assert [text[:30] for text in stored] == texts
    changed = corpus.store("measures").arrow().column("text").to_pylist()
    assert changed == [text[:30] if len(text) > 30 else None for text in stored]


def test_a_run_that_rewrites_nothing_stores_no_text(tmp_path: Path) -> None:
    go(toy_config(tmp_path / "out", filters=(LENGTH,)))
    assert "text" not in open_corpus(tmp_path / "out").store("measures").columns


def test_a_run_without_filters_rejects_pages_without_text(tmp_path: Path) -> None:
    go(toy_config(tmp_path / "out", filters=()))
    assert open_corpus(tmp_path / "out").ledger_store.counters == {
        "verdict.extract_problem": 140,
        "verdict.kept": 1360,
    }


def test_other_recipes_are_judged_and_change_nothing(tmp_path: Path) -> None:
    short = RecipeEntry("short-text", (CUT, filter_entry("after", ToyLength(measure="cut_chars"))))
    plain = RecipeEntry("plain", (filter_entry("length", ToyLength(), {"min": 50}),))
    own = (filter_entry("length", ToyLength()),)
    go(toy_config(tmp_path / "alone", filters=own))
    go(toy_config(tmp_path / "both", filters=own, compare=(short, plain)), workers=2)
    alone = open_corpus(tmp_path / "alone").ledger.arrow()
    both = open_corpus(tmp_path / "both").ledger.arrow()
    assert both.select(alone.column_names) == alone
    for row in both.to_pylist():
        if row["extract_problem"]:
            assert row["verdict_short_text"] == row["verdict_plain"] == "extract_problem"
        else:
            kept = row["text_chars"] >= 50
            assert row["verdict_plain"] == ("kept" if kept else "text_chars")
            assert row["verdict_short_text"] == ("kept" if row["cut_chars"] >= 20 else "cut_chars")
    # the run's own text is not rewritten by a recipe that is only compared
    assert "text" not in open_corpus(tmp_path / "both").store("measures").columns


def test_rewriting_until_rejected_gives_the_same_verdicts(tmp_path: Path) -> None:
    filters = (BEFORE, CUT, LENGTH)
    go(toy_config(tmp_path / "all", filters=filters))
    go(toy_config(tmp_path / "some", filters=filters, measure="until_rejected"))
    whole, some = open_corpus(tmp_path / "all"), open_corpus(tmp_path / "some")
    for column in ("verdict", "verdict_value", "verdict_bound"):
        assert whole.ledger.arrow().column(column) == some.ledger.arrow().column(column)
    assert whole.kept().arrow().column("text") == some.kept().arrow().column("text")


def test_workers_change_no_byte_of_rewritten_stores(tmp_path: Path) -> None:
    filters = (BEFORE, CUT, LENGTH)
    go(toy_config(tmp_path / "one", filters=filters))
    go(toy_config(tmp_path / "two", filters=filters), workers=2)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_what_two_chains_share_is_measured_once() -> None:
    chains = Chains(DOCUMENTS)
    _, text = chains.add("the run", [("length", ToyLength()), ("cut", ToyCut())])
    assert text == 1
    _, text = chains.add("recipe 'a'", [("length", ToyLength())])
    assert text == -1
    assert len(chains.measurings) == 2


def test_one_name_for_two_things_is_refused() -> None:
    chains = Chains(DOCUMENTS)
    chains.add("the run", [("length", ToyLength())])
    with pytest.raises(PlanError, match=r"recipe 'a' measures 'text_chars', and so does the run"):
        chains.add("recipe 'a'", [("cut", ToyCut()), ("length", ToyLength())])
    with pytest.raises(PlanError, match="a column that is there already"):
        Chains(DOCUMENTS).add("the run", [("length", ToyLength(measure="text_bytes"))])
    with pytest.raises(PlanError, match="there twice"):
        Chains(DOCUMENTS).add("the run", [("a", ToyLength()), ("b", ToyLength())])


def test_a_chain_does_not_see_what_others_measure() -> None:
    class Reader(ToyLength):
        reads = ("text", "language")

    chains = Chains(DOCUMENTS.append(pa.field("language", pa.string())))
    chains.add("the run", [("length", Reader(measure="a_chars"))])
    assert chains.measurings[0].columns == ("text", "language")
    bare = Chains(DOCUMENTS)
    bare.add("the run", [("length", Reader(measure="a_chars"))])
    assert bare.measurings[0].columns == ("text",)
