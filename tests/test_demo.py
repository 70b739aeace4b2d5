"""What becomes of everything that was planted in the demo crawl."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import winnow
from winnow.tokenize.token_shards import TokenShards

ROOT = Path(__file__).resolve().parent.parent
EXPECTED = json.loads((ROOT / "demo" / "expected.json").read_text())
ABSENT = "not a document"

REPEATS = {
    "top_2gram_chars_share",
    "top_3gram_chars_share",
    "top_4gram_chars_share",
    "dup_paragraph_share",
    "dup_5gram_chars_share",
}
# kind of page → the verdicts that it may have; kinds that honest judges differ on are not here
FATES: dict[str, set[str]] = {
    "blocked_domain": {"url_blocked", *REPEATS},
    "bom": {"kept"},
    "cookie_wall": REPEATS,
    "cut_gzip_member": {ABSENT},
    "declared_charset": {"kept"},
    "deep_nesting": {"extract_problem"},
    "duplicate_record_id": {"kept"},
    "empty_body": {"extract_problem"},
    "feed": {ABSENT},
    "html_bomb": {"extract_problem", "mean_word_chars", "word_count"},
    "image": {ABSENT},
    "javascript_needed": {"language_prob", "word_count", "extract_problem"},
    "json": {ABSENT},
    "keyword_stuffing": REPEATS,
    "link_farm": {"word_count", *REPEATS},
    "login": {"word_count", "alpha_word_share", "language_prob", *REPEATS},
    "long_token": {"language_prob", "word_count", "mean_word_chars", "extract_problem"},
    "lorem_ipsum": {"language"},
    "lower_case_warc_headers": {"kept"},
    "lying_charset": {"kept"},
    "missing_warc_date": {"kept"},
    "not_found": {ABSENT},
    "nul_bytes": {"kept"},
    "parked": REPEATS,
    "pdf": {ABSENT},
    "personal_data": {"kept"},
    "print_view": {"near_duplicate", "exact_duplicate"},
    "redirect": {ABSENT},
    "repeated_lines": {"dup_line_share", *REPEATS},
    "revisit": {ABSENT},
    "search_results": {"language_prob", "word_count", *REPEATS},
    "server_error": {ABSENT},
    "soft_404": {"word_count", *REPEATS},
    "tag_index": {"word_count", "language_prob", "extract_problem", *REPEATS},
    "text_plain": {"kept"},
    "transfer": {"kept"},
    "unknown_charset": {"kept"},
    "url_not_ascii": {"kept"},
    "url_very_long": {"kept"},
    "url_with_space": {"kept"},
    "warc_truncated": {"kept"},
    "word_salad": {"stop_word_count", "language_prob", "language"},
    "wrong_digest": {"kept"},
}


@pytest.fixture(scope="module")
def documents(demo_run: Path) -> dict[str, dict[str, Any]]:
    """Every document of the run by its URL, with its verdict."""
    rows = winnow.open(demo_run).documents.arrow().to_pylist()
    by_url = {row["url"]: row for row in rows}
    assert len(by_url) == len(rows)
    return by_url


def pages(*kinds: str) -> list[dict[str, Any]]:
    found = [page for page in EXPECTED["pages"] if page["kind"] in kinds]
    assert found, f"nothing of kind {kinds} is planted any more"
    return found


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("kind", sorted(FATES))
def test_fate(kind: str, documents: dict[str, dict[str, Any]]) -> None:
    for page in pages(kind):
        document = documents.get(page["url"])
        verdict = ABSENT if document is None else document["verdict"]
        assert verdict in FATES[kind], f"{page['url']} ({kind}) became {verdict}"


def test_nothing_that_must_be_dropped_is_kept(documents: dict[str, dict[str, Any]]) -> None:
    for page in EXPECTED["pages"]:
        if page["fate"] == "drop" and page["url"] in documents:
            assert documents[page["url"]]["verdict"] != "kept", page["url"]


def test_most_of_what_should_be_kept_is(documents: dict[str, dict[str, Any]]) -> None:
    """Gopher's rule on words with letters costs dialogue some pages: a share, not every page."""
    keep = [page for page in EXPECTED["pages"] if page["fate"] == "keep"]
    kept = sum(documents[page["url"]]["verdict"] == "kept" for page in keep)
    assert kept / len(keep) > 0.9


def test_main_text_is_there_and_boilerplate_is_not(documents: dict[str, dict[str, Any]]) -> None:
    missing, leaked, looked = [], [], 0
    for page in EXPECTED["pages"]:
        if page["fate"] == "drop" or page["url"] not in documents:
            continue
        text = one_line(documents[page["url"]]["text"])
        for snippet in page.get("must_contain", []):
            looked += 1
            if one_line(snippet) not in text:
                missing.append(page["url"])
        leaked += [page["url"] for s in page.get("must_not_contain", []) if one_line(s) in text]
    assert looked > 900
    assert set(missing) <= UNSOLVED, "main text is missing"
    assert not leaked, "menus or banners in the text"


# EUC-JP that nothing declares, one short page: told from windows-1252 by its text only
UNSOLVED = {"https://euc-jp-undeclared.example/ja/euc-jp-undeclared"}


def test_charsets_are_seen_through(documents: dict[str, dict[str, Any]]) -> None:
    kinds = (
        "lying_charset",
        "declared_charset",
        "bom",
        "unknown_charset",
        "undeclared_charset",
        "latin1_is_windows_1252",
    )
    for page in pages(*kinds):
        if page["url"] not in UNSOLVED:
            text = one_line(documents[page["url"]]["text"])
            assert all(one_line(s) in text for s in page["must_contain"]), page["url"]
            assert "\ufffd" not in text, page["url"]


def test_copies_are_found_and_one_of_each_stays(documents: dict[str, dict[str, Any]]) -> None:
    checked = 0
    for group in EXPECTED["groups"]:
        close = [url for url, alike in group["jaccard"].items() if alike >= 0.95]
        urls = [group["urls"][0], *close]
        reached = [
            documents[url]["verdict"]
            for url in urls
            if documents[url]["verdict"] in ("kept", "exact_duplicate", "near_duplicate")
        ]
        if len(reached) > 1:
            checked += 1
            assert reached.count("kept") <= 1, group["urls"]
    assert checked > 40


def test_every_record_is_accounted_for(demo_run: Path) -> None:
    counters = winnow.open(demo_run).stores["documents"].counters
    planted = EXPECTED["warc"]["records"]
    assert counters["records"] == sum(planted.values())
    lost = sum(n for name, n in counters.items() if name.startswith(("skipped.", "problems.")))
    assert counters["records"] == counters["documents"] + lost


def test_the_cut_record_is_named_and_those_after_it_are_read(demo_run: Path) -> None:
    (cut,) = pages("cut_gzip_member")
    manifest = winnow.open(demo_run).stores["documents"].manifest
    assert [p["where"] for p in manifest["problems"]] == [f"../demo/demo.warc.gz@{cut['offset']}"]


def test_a_document_can_be_fetched_again_from_its_record(demo_run: Path) -> None:
    import gzip

    data = (ROOT / "demo" / "demo.warc.gz").read_bytes()
    for row in winnow.open(demo_run).kept().select("url", "warc_offset", "warc_length").head(20):
        member = gzip.decompress(data[row["warc_offset"] :][: row["warc_length"]])
        assert row["url"].encode() in member.partition(b"\r\n\r\n")[0]


def test_tokens_are_the_kept_documents_each_once(demo_run: Path) -> None:
    from tokenizers import Tokenizer

    kept = winnow.open(demo_run).kept().select("doc_id", "text").arrow().to_pylist()
    texts = {row["doc_id"]: row["text"] for row in kept}
    tokenizer = Tokenizer.from_file(str(demo_run / "tokens" / "tokenizer.json"))
    seen: Counter[int] = Counter()
    for split in ("train", "validation"):
        shards = TokenShards.open(demo_run / "tokens", split)
        for row in range(shards.documents):
            ids = shards.document(row)
            seen[shards.doc_id(row)] += 1
            assert ids[-1] == shards.eos_id
            if row % 10 == 0:
                assert tokenizer.decode(ids[:-1].tolist()) == texts[shards.doc_id(row)]
    assert seen == Counter(dict.fromkeys(texts, 1))
