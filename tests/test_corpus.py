"""A run, opened: in Arrow, pandas, Polars and DuckDB the same rows."""

from pathlib import Path

import nbformat
import pytest

import winnow
from winnow.errors import StoreError

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def corpus(demo_run: Path) -> winnow.Corpus:
    return winnow.open(demo_run)


def test_the_same_rows_everywhere(corpus: winnow.Corpus) -> None:
    rows = corpus.ledger.select("url", "verdict")
    arrow = rows.arrow().to_pylist()
    assert rows.pandas().to_dict("records") == arrow
    assert rows.polars().collect().to_dicts() == arrow
    fetched = rows.duckdb().fetchall()
    assert [{"url": url, "verdict": verdict} for url, verdict in fetched] == arrow
    assert len(rows) == len(arrow) == len(corpus.documents)


def test_verdicts_join_all_steps(corpus: winnow.Corpus) -> None:
    verdicts = corpus.documents.select("verdict").arrow().column(0).to_pylist()
    funnel = corpus.funnel()
    assert verdicts.count("kept") == funnel.rows[-1].kept == len(corpus.kept())
    for row in funnel.rows[1:]:
        for reason, count in row.reasons.items():
            assert verdicts.count(reason) == count == len(corpus.rejected(reason))


def test_documents_stream_in_bounded_batches(corpus: winnow.Corpus) -> None:
    sizes = [batch.num_rows for batch in corpus.documents.select("doc_id").batches()]
    assert max(sizes) <= 1024 and sum(sizes) == len(corpus.documents)


def test_duckdb_reads_joined_stores_too(corpus: winnow.Corpus) -> None:
    relation = corpus.documents.select("url", "verdict").duckdb()
    assert relation.filter("verdict = 'kept'").count("*").fetchall() == [(len(corpus.kept()),)]


def test_one_document(corpus: winnow.Corpus) -> None:
    url = corpus.kept().select("url").head(1)[0]["url"]
    document = corpus.document(url)
    assert (document.url, document.verdict) == (url, "kept")
    assert list(document.story) == ["documents", "ledger", "exact", "minhash"]
    assert document.story["ledger"]["word_count"] >= 50
    assert document.warc_offset > 0
    gone = corpus.document(corpus.rejected("word_count").select("url").head(1)[0]["url"])
    assert gone.verdict == "word_count"
    with pytest.raises(StoreError, match="Did you mean"):
        corpus.document(url[:-1] + "~")


def test_what_is_not_there_is_told(corpus: winnow.Corpus, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no column 'txt'\. Did you mean 'text'"):
        corpus.documents.select("txt")
    with pytest.raises(StoreError, match=r"no finished store 'minhas'\. Did you mean 'minhash'"):
        corpus.store("minhas")
    with pytest.raises(StoreError, match="holds no run"):
        winnow.open(tmp_path)


def test_nobody_is_kept_while_a_step_must_still_judge(demo_run: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(demo_run, tmp_path / "run")
    (tmp_path / "run" / "minhash" / "manifest.json").unlink()
    unfinished = winnow.open(tmp_path / "run")
    with pytest.raises(StoreError, match="minhash must still judge"):
        unfinished.kept()
    with pytest.raises(StoreError, match="not finished"):
        unfinished.rejected()
    assert "verdict" not in unfinished.documents.columns
    assert len(unfinished.documents) == len(unfinished.ledger)


def test_notebook_html_escapes_the_web(corpus: winnow.Corpus) -> None:
    for shown in (corpus, corpus.funnel(), corpus.ledger, corpus.rejected()):
        html = shown._repr_html_()
        assert "<table>" in html and "<script" not in html


def test_tokens_open_where_people_will_open_them(corpus: winnow.Corpus, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    files = [path for path in corpus.stores["tokens"].files if "train-" in path]
    loaded = datasets.load_dataset("arrow", data_files=files, split="train", cache_dir=tmp_path)
    train = corpus.funnel().tokens["splits"]["train"]  # type: ignore[index]
    assert len(loaded) == train["documents"]
    assert sum(len(ids) for ids in loaded["input_ids"]) == train["tokens"]
    assert len(corpus.tokens.polars().collect()) == len(corpus.tokens)


def test_the_notebook_runs(demo_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient import NotebookClient

    monkeypatch.setenv("WINNOW_RUN", str(demo_run))
    notebook = nbformat.read(ROOT / "notebooks" / "inspect.ipynb", as_version=4)
    for cell in notebook.cells:
        assert not cell.get("outputs"), "outputs are not committed"
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(
        cwd=str(ROOT / "notebooks")
    )
    shown = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert any("after minhash" in str(out.get("data", {}).get("text/html")) for out in shown)
