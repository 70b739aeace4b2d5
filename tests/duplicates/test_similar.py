"""`corpus.similar` and `winnow similar`: from the stored keys, with the true similarity."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import winnow
from winnow.cli import main
from winnow.errors import StoreError
from winnow.text.words import words_of


@pytest.fixture(scope="module")
def corpus(demo_run: Path) -> winnow.Corpus:
    return winnow.open(demo_run)


def test_the_duplicates_of_a_document_are_similar_to_it(corpus: winnow.Corpus) -> None:
    cluster = corpus.clusters("minhash", most=1, members=100).largest[0]
    found = {each.doc_id: each for each in corpus.similar(cluster.survivor.url, most=1000)}
    assert cluster.survivor.doc_id not in found
    rows = corpus.store("minhash").select("doc_id", "cluster_id").arrow().to_pylist()
    cluster_ids = {row["doc_id"]: row["cluster_id"] for row in rows}
    for each in found.values():  # who meets it in a band is in its cluster
        assert cluster_ids[each.doc_id] == cluster.cluster_id
        assert 0 < each.similarity <= 1 and each.shared_bands >= 1
    assert found
    assert all(each.verdict in ("kept", "near_duplicate") for each in found.values())


def test_a_text_finds_its_document_whatever_its_dress(corpus: winnow.Corpus) -> None:
    document = corpus.clusters("minhash", most=1).largest[0].survivor
    same = corpus.similar(text=f"  {document.text.upper()}\n\n!!!")
    assert same.documents[0].similarity == 1.0
    assert same.documents[0].shared_bands == same.bands
    fewer = corpus.similar(text=document.text, min_similarity=0.99, most=1)
    assert len(fewer) == 1
    assert "kept" in str(same) and "<table" in same._repr_html_()


def test_the_similarity_is_jaccard_of_five_word_runs(corpus: winnow.Corpus) -> None:
    document = corpus.clusters("minhash", most=1).largest[0].survivor
    words = document.text.split(" ")
    changed = " ".join([*words[: len(words) * 9 // 10], "winnow " * 5])
    found = {each.doc_id: each.similarity for each in corpus.similar(text=changed, most=1000)}
    sets = []
    for text in (document.text, changed):
        table = str.maketrans(dict.fromkeys("!\"#%&()*+,-./:;<=>?@[]^_`{|}~—–…«»“”„’‘'$", " "))
        plain = text.lower().translate(table)
        run = words_of("".join(c for c in plain))
        sets.append({tuple(run[i : i + 5]) for i in range(len(run) - 4)})
    expected = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
    assert found[document.doc_id] == pytest.approx(expected, abs=0.02)  # digits, accents apart


def test_what_is_like_nothing_finds_nothing(corpus: winnow.Corpus) -> None:
    found = corpus.similar(text="zq xv zzk wq jj qx vv kk zx " * 10)
    assert len(found) == 0 and "nothing similar" in str(found)
    assert len(corpus.similar(text="too short")) == 0
    assert len(corpus.similar(text="")) == 0


def test_what_cannot_be_asked(corpus: winnow.Corpus, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="either url or text"):
        corpus.similar()
    with pytest.raises(StoreError, match="no block 'exact' of minhash"):
        corpus.similar(text="a", block="exact")
    with pytest.raises(StoreError, match="has the URL"):
        corpus.similar("https://nowhere.example/")


def test_from_the_command_line(
    corpus: winnow.Corpus, demo_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = corpus.clusters("minhash", most=1).largest[0].survivor
    file = tmp_path / "page.txt"
    file.write_text(document.text)
    assert main(["similar", str(demo_run), "--text", str(file), "--json", "-n", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["documents"][0]["similarity"] == 1.0 and len(told["documents"]) == 2
    assert main(["similar", str(demo_run), document.url]) == 0
    assert "Jaccard" in capsys.readouterr().out
    assert main(["similar", str(demo_run)]) == 2
    assert main(["similar", str(demo_run), "--text", str(tmp_path / "none")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_run_whose_texts_were_rewritten_later_finds_what_it_signed(tmp_path: Path) -> None:
    """Lines go after MinHash, and the language is found after it too: neither was signed."""
    demo = Path(__file__).resolve().parents[2] / "demo" / "demo.warc.gz"
    file = tmp_path / "run.toml"
    stages = ['use = "extract"', 'use = "gopher_quality"', 'use = "minhash"', 'use = "lines"']
    text = "".join(
        f"[[stage]]\n{stage}\n" for stage in [*stages, 'use = "language"\nlanguages = ["en", "ja"]']
    )
    file.write_text(
        f'name = "r"\noutput = "out"\n[source]\nuse = "warc"\npaths = ["{demo}"]\n'
        f'split_bytes = "256 kB"\n{text}'
    )
    assert main(["run", str(file), "--workers", "1", "--quiet"]) == 0
    corpus = winnow.open(tmp_path / "out")
    rows = corpus.store("minhash").select("doc_id", "cluster_id", "survivor_id").arrow().to_pylist()
    pairs = [r for r in rows if r["survivor_id"] is not None and r["survivor_id"] != r["doc_id"]]
    view = corpus.view_before("minhash-sign")
    assert len(pairs) > 10
    for row in pairs[:10]:
        text = view.rows([row["doc_id"]], ["text"]).column("text")[0].as_py()
        exact = corpus.similar(text=text).documents[0]
        assert exact.similarity == 1.0 and exact.shared_bands == 14
