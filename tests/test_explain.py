"""The story of a page is what the stores say, and its bytes are where it says."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

import winnow
from winnow.errors import StoreError
from winnow.story import tell
from winnow.whatif import bounds_of

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def corpus(demo_run: Path) -> winnow.Corpus:
    return winnow.open(demo_run)


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "winnow", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def first_url(corpus: winnow.Corpus, reason: str) -> str:
    return str(corpus.rejected(reason).select("url").head(1)[0]["url"])


def test_every_broken_bound_is_marked_and_the_first_is_the_verdict(corpus: winnow.Corpus) -> None:
    names = [bound.measure for bound in bounds_of(corpus.ledger_store)]
    rows = (
        corpus.ledger.duckdb()
        .filter("bit_count(broken_bounds) > 2")
        .select("url, verdict, broken_bounds")
    )
    found = rows.limit(20).fetchall()
    assert found, "the demo has pages that break several bounds"
    for url, verdict, bits in found:
        story = tell(corpus, url)
        broken = {line.measure for line in story.measures if line.broken}
        assert broken == {name for bit, name in enumerate(names) if bits >> bit & 1}
        assert {line.measure for line in story.measures if line.first} == {verdict}
        assert all((line.margin or 0) < 0 for line in story.measures if line.broken and line.margin)


def test_languages_are_those_of_the_run(corpus: winnow.Corpus) -> None:
    rows = corpus.ledger.duckdb().filter("verdict = 'kept'").select("url, language, language_prob")
    for url, language, prob in rows.limit(10).fetchall():
        languages = tell(corpus, url).languages
        assert languages[0][0] == language
        assert languages[0][1] == pytest.approx(prob, abs=1e-6)
        assert len(languages) > 1


def test_tokens_lie_where_it_says(corpus: winnow.Corpus) -> None:
    import pyarrow as pa

    url = corpus.kept().select("url").head(1)[0]["url"]
    tokens = tell(corpus, url).tokens
    assert tokens is not None
    row = tokens["row"]
    shard = pa.ipc.open_file(pa.memory_map(tokens["file"])).read_all().slice(row, 1)
    assert shard.column("doc_id")[0].as_py() == corpus.document(url).doc_id
    assert len(shard.column("input_ids")[0]) == tokens["count"]


def test_the_record_can_be_cut_out_of_its_file(corpus: winnow.Corpus) -> None:
    url = corpus.kept().select("url").head(1)[0]["url"]
    place = tell(corpus, url).bytes
    command = place["command"].replace(place["warc_file"], str(ROOT / "demo/demo.warc.gz"))
    done = subprocess.run(command, shell=True, capture_output=True)
    assert f"WARC-Target-URI: {url}".encode() in done.stdout
    data = (ROOT / "demo/demo.warc.gz").read_bytes()
    start = place["warc_offset"]
    assert gzip.decompress(data[start : start + place["warc_length"]]) == done.stdout


def test_common_crawl_paths_give_a_range_request() -> None:
    from winnow.story import record_bytes

    page = {"warc_file": "crawl-data/CC-MAIN-2024-51/x.warc.gz", "warc_offset": 5, "warc_length": 7}
    assert record_bytes(page)["command"] == (
        "curl -s -r 5-11 https://data.commoncrawl.org/crawl-data/CC-MAIN-2024-51/x.warc.gz | gunzip"
    )


def test_a_duplicate_names_its_survivor(corpus: winnow.Corpus) -> None:
    (cluster,) = [c for c in tell(corpus, first_url(corpus, "near_duplicate")).clusters
                  if c["verdict"] == "near_duplicate"]  # fmt: skip
    assert corpus.document(cluster["survivor_url"]).doc_id == cluster["survivor_id"]
    assert cluster["size"] > 1


def test_on_the_command_line(demo_run: Path, corpus: winnow.Corpus) -> None:
    url = first_url(corpus, "word_count")
    done = cli("explain", str(demo_run), url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"word_count: {url}")
    assert "→✗word_count" in done.stdout and "min 50" in done.stdout
    assert "warc_offset" in done.stdout and "charset" in done.stdout
    story = json.loads(cli("explain", str(demo_run), url, "--json").stdout)
    assert story["verdict"] == "word_count" and story["record"]["url"] == url
    assert "text" not in story
    told = json.loads(cli("explain", str(demo_run), url, "--json", "--text", "--diff").stdout)
    assert told["text"] and told["diff"] == []
    duplicate = first_url(corpus, "near_duplicate")
    shown = cli("explain", str(demo_run), duplicate).stdout
    assert "minhash: near_duplicate, in a cluster of" in shown and "survivor: http" in shown
    assert cli("explain", str(demo_run), url + "x").returncode == 1
    with pytest.raises(StoreError, match="Did you mean"):
        tell(corpus, url[:-1] + "~")
