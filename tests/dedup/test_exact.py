"""The exact block: what is compared, who stays, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.dedup.exact import Exact
from winnow.dedup.urls import TRACKING_PARAMETERS, UrlRules
from winnow.errors import ConfigError
from winnow.pipeline.fingerprint import canonical
from winnow.pipeline.step import PlanContext
from winnow.pipeline.typed import build

Run = Callable[..., Any]
COLUMNS = pa.schema(
    [
        pa.field("doc_id", pa.uint64(), nullable=False), pa.field("url", pa.string()),
        pa.field("domain", pa.string()), pa.field("text", pa.large_string()),
        pa.field("quality_score", pa.float64()),
    ]
)  # fmt: skip
URLS = [
    "http://e.org/a", "https://www.e.org/a/?utm_source=x", "http://e.org/a?ref=1", "http://E.org/b",
    "http://e.org/b#x", "http://e.org/%62", "", "mailto:x", "http://e.org:80/b/../a",
]  # fmt: skip


@given(
    st.lists(st.lists(st.sampled_from(URLS), max_size=6), min_size=1, max_size=3),
    st.sampled_from(
        [
            {},
            {"tracking_parameters": ("REF", "utm_*")},
            {"ignore_scheme": False, "ignore_www": False, "ignore_trailing_slash": False},
        ]
    ),
)
@settings(deadline=None, max_examples=25)
def test_urls_of_one_page_are_duplicates(
    run_dedup: Run, corpus: list[list[str]], options: dict[str, Any]
) -> None:
    block = Exact(on="canonical_url", keep="first", **options)
    rows = [[{"url": url, "text": "x"} for url in shard] for shard in corpus]
    verdicts = run_dedup(block, rows, columns=COLUMNS).verdicts()
    rules = UrlRules(**options)
    first: dict[str, int] = {}
    for doc_id in sorted(verdicts):
        url = corpus[doc_id >> 32][doc_id & 0xFFFFFFFF]
        survivor = first.setdefault(rules.canonical(url), doc_id) if url else doc_id
        assert verdicts[doc_id][3] == survivor
        assert verdicts[doc_id][0] == ("kept" if survivor == doc_id else "exact_duplicate")


def test_urls_as_recorded_are_not_mended(run_dedup: Run) -> None:
    rows = [{"url": url, "text": "x"} for url in (URLS[0], URLS[8], URLS[0])]
    outcome = run_dedup(Exact(on="url"), [rows], columns=COLUMNS)
    assert [row["survivor_id"] for row in outcome.rows[0]] == [0, 1, 0]


def test_who_is_preferred_stays_whatever_its_score(run_dedup: Run) -> None:
    rows = [
        {"text": "t", "domain": "mirror.net", "quality_score": 0.9},
        {"text": "t", "domain": "www.example.org", "quality_score": 0.1},
        {"text": "t", "domain": "example.org", "quality_score": 0.2},
        {"text": "t", "domain": None, "quality_score": None},
    ]
    for prefer, survivor in (((), 0), (("domain:example.org",), 2), (("domain:www.*",), 1)):
        block = Exact(keep="highest", keep_by="quality_score * 2", prefer=prefer)
        outcome = run_dedup(block, [rows], columns=COLUMNS)
        assert {row["survivor_id"] for row in outcome.rows[0]} == {survivor}


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({"keep": "datatrove-0.10"}, 'is how datatrove\'s MinHash chooses.*keep = "longest"'),
        ({"ignore_www": False}, 'go with on = "canonical_url"'),
        ({"on": "url", "tracking_parameters": ["x"]}, 'go with on = "canonical_url"'),
        ({"on": "canonical_url", "tracking_parameters": [""]}, "has an empty name"),
        ({"on": "canonical"}, "must be one of 'text', .* Did you mean 'canonical_url'"),
        ({"prefer": ["example.org"]}, "is not column:value"),
        ({"rehydrate": [[2, 1]]}, "rehydrate must begin with"),
        ({"keep": "highest"}, "goes with keep_by"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Any, table: dict[str, Any], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        build(Exact, table, "x.toml: stage 2 (exact)", tmp_path)


def test_a_config_table_becomes_the_block(tmp_path: Any) -> None:
    table = {
        "on": "canonical_url", "tracking_parameters": ["utm_*", "Ref"], "ignore_www": False,
        "prefer": ["source:books"], "rehydrate": [[1, 1], [5, 2]],
    }  # fmt: skip
    block = build(Exact, table, "x", tmp_path)
    assert block.tracking_parameters == ("utm_*", "Ref") and block.rehydrate == ((1, 1), (5, 2))
    default = build(Exact, {"on": "canonical_url"}, "x", tmp_path)
    assert default.tracking_parameters == TRACKING_PARAMETERS


def test_what_is_compared_is_in_the_fingerprint() -> None:
    context = PlanContext(
        name="exact", seed=0, document_shards=1, input_bytes=0, columns=COLUMNS, sources=("x",)
    )

    def sign(block: Exact) -> Any:
        return canonical(block.expand(context)[0].work)

    one = sign(Exact(on="canonical_url"))
    assert sign(Exact(on="canonical_url", ignore_www=False)) != one
    assert sign(Exact(on="canonical_url", tracking_parameters=("x",))) != one
    assert sign(Exact(on="url")) != one
    upper = tuple(name.upper() for name in TRACKING_PARAMETERS)
    assert sign(Exact(on="canonical_url", tracking_parameters=upper)) == one
