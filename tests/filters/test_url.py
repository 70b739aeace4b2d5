from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

from winnow.errors import PlanError
from winnow.filters.url import UrlFilter
from winnow.pipeline.bounds import judge
from winnow.pipeline.fingerprint import canonical
from winnow.schema import KEPT


def labels(stage: UrlFilter, *urls: str) -> list[str | None]:
    hosts = [urlsplit(url).hostname or "" for url in urls]
    result = stage.open()(pa.record_batch({"url": list(urls), "domain": hosts}))
    found: list[str | None] = result.column("url_blocked").to_pylist()
    return found


def test_a_registered_domain_blocks_all_its_hosts() -> None:
    stage = UrlFilter(domains=("bad.co.uk",))
    assert labels(stage, "http://bad.co.uk/", "https://www.bad.co.uk/x", "http://good.co.uk") == [
        "domain",
        "domain",
        None,
    ]
    assert (
        labels(stage, "http://notbad.co.uk/", "http://co.uk/", "http://bad.co.uk.org/")
        == [None] * 3
    )


def test_a_host_blocks_itself_and_what_is_below_it() -> None:
    stage = UrlFilter(domains=("ads.example.com",))
    assert labels(
        stage, "http://ads.example.com/", "http://a.ads.example.com", "http://example.com/ads."
    ) == ["host", "host", None]


def test_words_of_the_url_whatever_their_case() -> None:
    stage = UrlFilter(words=("Casino",))
    urls = ["http://a.org/CASINO-x", "http://casino.a.org", "http://a.org/casinos?y=1"]
    assert labels(stage, *urls) == ["word", "word", None]


def test_domain_comes_before_word() -> None:
    stage = UrlFilter(domains=("a.org",), words=("casino",))
    assert labels(stage, "http://a.org/casino", "http://b.org/casino") == ["domain", "word"]


def test_hosts_without_a_public_suffix() -> None:
    stage = UrlFilter(domains=("10.0.0.1", "localhost", "bücher.de"))
    urls = ["http://10.0.0.1/", "http://localhost/", "http://xn--bcher-kva.de/", "http://10.0.0.2/"]
    assert labels(stage, *urls) == ["domain", "domain", "domain", None]
    assert labels(stage, "nothing", "http://ber..de/") == [None, None]


def test_lists_of_files(tmp_path: Path) -> None:
    plain = tmp_path / "hosts.txt"
    plain.write_text("# a comment\n\nBAD.com  # why\n0.0.0.0 tracker.example.net\n*.wild.org\n")
    packed = tmp_path / "more.gz"
    packed.write_bytes(gzip.compress(b"worse.com\n"))
    stage = UrlFilter(lists=(str(plain), str(packed)))
    stage.check()
    urls = [
        "http://www.bad.com",
        "http://worse.com",
        "http://tracker.example.net",
        "http://x.wild.org",
    ]
    assert labels(stage, *urls, "http://example.net", "http://comment/") == [
        "domain",
        "domain",
        "host",
        "domain",
        None,
        None,
    ]


def test_the_fingerprint_holds_what_lists_say_and_not_where_they_lie(tmp_path: Path) -> None:
    def fingerprint(name: str, content: str) -> Any:
        path = tmp_path / name
        path.write_text(content)
        return canonical(UrlFilter(lists=(str(path),)))

    assert fingerprint("a.txt", "x.org\n") == fingerprint("b.txt", "x.org\n")
    assert fingerprint("a.txt", "x.org\n") != fingerprint("b.txt", "y.org\n")
    assert str(tmp_path) not in str(fingerprint("a.txt", ""))


def test_a_list_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    for blocked, free in (("a.org", "b.net"), ("b.net", "a.org")):
        path.write_text(blocked)
        urls = (f"http://{blocked}/", f"http://{free}/")
        assert labels(UrlFilter(lists=(str(path),)), *urls) == ["domain", None]
        path.unlink()


@pytest.mark.parametrize("content", [None, b"\x1f\x8bnot gzip", b"\xff\xfe"])
def test_a_list_that_cannot_be_read_is_named_at_plan_time(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / ("list.gz" if content and content[0] == 0x1F else "list.txt")
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PlanError, match=f"cannot read the block list .*{path.name}"):
        UrlFilter(lists=(str(path),)).check()


def test_every_label_rejects_by_default() -> None:
    stage = UrlFilter(domains=("a.org",))
    batch = pa.record_batch({"url": ["http://a.org", "http://b.org"], "domain": ["a.org", "b.org"]})
    assert judge(stage.open()(batch), stage.bounds({}))[0].to_pylist() == ["url_blocked", KEPT]
