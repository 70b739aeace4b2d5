"""The demo crawl is what its script makes, and holds what it says it holds."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastwarc.warc import ArchiveIterator as FastWarc
from warcio.archiveiterator import ArchiveIterator as Warcio

DEMO = Path(__file__).parents[2] / "demo"
WARC = DEMO / "demo.warc.gz"
RESERVED = ("example", "test", "example.org")

# Every case that a test elsewhere may want to ask about.
PLANTED = """
    article book play thread manual product table
    exact_duplicate print_view syndicated modernised doorway
    home login soft_404 tag_index search_results cookie_wall parked javascript_needed lorem_ipsum
    keyword_stuffing repeated_lines link_farm word_salad blocked_domain
    lying_charset latin1_is_windows_1252 bom declared_charset undeclared_charset unknown_charset
    double_encoded transfer content_type text_plain redirect not_found server_error image json feed
    pdf empty_body deep_nesting html_bomb nul_bytes long_token url_with_space url_not_ascii
    url_very_long personal_data duplicate_record_id missing_warc_date lower_case_warc_headers
    wrong_digest warc_truncated cut_gzip_member revisit
"""


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return json.loads((DEMO / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def data() -> bytes:
    return WARC.read_bytes()


def build(out: Path) -> None:
    script = [sys.executable, str(DEMO / "build_crawl.py"), "--out", str(out)]
    subprocess.run(script, check=True, capture_output=True, timeout=120)


def page(expected: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(page for page in expected["pages"] if page["kind"] == kind)


def record_at(data: bytes, place: dict[str, Any]) -> bytes:
    return data[place["offset"] : place["offset"] + place["length"]]


def target_uris(data: bytes) -> list[str | None]:
    records = FastWarc(io.BytesIO(data), parse_http=False)
    return [record.headers.get("WARC-Target-URI") for record in records]


@pytest.mark.skipif("ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng packs to other bytes")
def test_two_builds_give_the_committed_bytes(tmp_path: Path) -> None:
    build(tmp_path / "one")
    build(tmp_path / "two")
    for name in ("demo.warc.gz", "expected.json"):
        digests = {
            hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for folder in (tmp_path / "one", tmp_path / "two", DEMO)
        }
        assert len(digests) == 1, f"{name} is not what demo/build_crawl.py makes: build it again"


def test_it_is_small_enough_to_clone_and_large_enough_to_train_on(
    expected: dict[str, Any], data: bytes
) -> None:
    assert 1_500_000 < len(data) < 2_500_000
    assert 600 <= expected["warc"]["html_pages"] <= 900
    assert sum(path.stat().st_size for path in (DEMO / "texts").iterdir()) < 1_500_000


def test_expected_json_describes_this_file(expected: dict[str, Any], data: bytes) -> None:
    warc = expected["warc"]
    assert warc["sha256"] == hashlib.sha256(data).hexdigest()
    assert warc["bytes"] == len(data)
    assert sum(expected["kinds"].values()) == len(expected["pages"])
    assert dict(Counter(page["kind"] for page in expected["pages"])) == expected["kinds"]


def test_every_planted_case_is_listed(expected: dict[str, Any]) -> None:
    assert set(expected["kinds"]) == set(PLANTED.split())


def test_languages_are_mostly_english(expected: dict[str, Any]) -> None:
    languages = expected["languages"]
    assert set(languages) == {"en", "de", "fr", "es", "pt", "it", "pl", "ru", "ja", "zh"}
    assert languages["en"] > 0.8 * sum(languages.values())
    assert min(languages.values()) >= 4


def test_sites_live_on_reserved_domains_only(expected: dict[str, Any]) -> None:
    for entry in expected["pages"]:
        host = urlsplit(entry["url"]).hostname or ""
        assert host.endswith(tuple(f".{name}" for name in RESERVED)) or host in RESERVED, host


def test_urls_are_unique_and_groups_name_pages(expected: dict[str, Any]) -> None:
    urls = Counter(entry["url"] for entry in expected["pages"])
    assert max(urls.values()) == 1
    for group in expected["groups"]:
        assert len(group["urls"]) > 1
        assert set(group["urls"]) <= set(urls)
        assert all(0 < share <= 1 for share in group["jaccard"].values())


def test_each_readable_record_stands_at_its_offset(expected: dict[str, Any], data: bytes) -> None:
    # fastwarc wants `Content-Length` in this case exactly; the cut record cannot be read at all.
    unreadable = {"cut_gzip_member", "lower_case_warc_headers"}
    for entry in expected["pages"]:
        if entry["kind"] not in unreadable:
            assert target_uris(record_at(data, entry)) == [entry["url"]]


def test_kept_pages_hold_the_words_they_are_to_give_back(
    expected: dict[str, Any], data: bytes
) -> None:
    for entry in expected["pages"]:
        if entry["kind"] not in ("article", "book", "thread"):
            continue
        member = zlib.decompress(record_at(data, entry), wbits=31).decode()
        # Look at the words, not at the elements and entities between them.
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", member)).replace("&amp;", "&")
        assert len(entry["must_contain"]) == 2
        for words in entry["must_contain"]:
            assert words in text, entry["url"]


@pytest.mark.parametrize("kind", ["lying_charset", "bom", "declared_charset", "undeclared_charset"])
def test_true_charsets_are_true(expected: dict[str, Any], data: bytes, kind: str) -> None:
    for entry in expected["pages"]:
        if entry["kind"] == kind:
            member = zlib.decompress(record_at(data, entry), wbits=31)
            body = member.split(b"\r\n\r\n", 2)[2].removesuffix(b"\r\n\r\n")
            text = body.decode(entry["true_charset"])
            assert all(words in text for words in entry["must_contain"])


def test_the_cut_record_has_good_ones_on_both_sides(expected: dict[str, Any], data: bytes) -> None:
    cut = page(expected, "cut_gzip_member")
    unpacker = zlib.decompressobj(wbits=31)
    unpacker.decompress(record_at(data, cut))
    assert not unpacker.eof
    with pytest.raises(OSError, match="data error"):
        target_uris(data)

    before, after = data[: cut["offset"]], data[cut["offset"] + cut["length"] :]
    counts = [sum(1 for _ in Warcio(io.BytesIO(side))) for side in (before, after)]
    assert sum(counts) == sum(expected["warc"]["records"].values()) - 1
    assert min(counts) > 300
    first_after = next(FastWarc(io.BytesIO(after), parse_http=False))
    assert first_after.headers.get("WARC-Target-URI", "").startswith("http")


def test_only_the_planted_digest_is_wrong(expected: dict[str, Any], data: bytes) -> None:
    for entry in expected["pages"]:
        if entry["kind"] in ("cut_gzip_member", "revisit"):
            continue
        record = next(iter(Warcio(io.BytesIO(record_at(data, entry)), check_digests=True)))
        record.raw_stream.read()
        assert record.digest_checker.passed is (entry["kind"] != "wrong_digest"), entry["url"]


def test_nothing_in_the_crawl_tells_where_it_was_built(data: bytes) -> None:
    plain = b"".join(_members(data))
    for folder in (DEMO.parent, Path(sys.prefix)):
        assert f"{folder}/".encode() not in plain


def _members(data: bytes) -> list[bytes]:
    """All gzip members that can be read."""
    members = []
    for start in re.finditer(rb"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff", data):
        packer = zlib.decompressobj(wbits=31)
        try:
            members.append(packer.decompress(data[start.start() :]))
        except zlib.error:
            continue
    return members
