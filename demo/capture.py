"""One planned answer of a web server, and what should become of it."""

from __future__ import annotations

from dataclasses import dataclass, field

HTML = "text/html; charset=utf-8"

KEEP = "keep"  # real text: extraction must find it and curation should let it through
DROP = "drop"  # must not reach the training data; `by` names who should stop it
EITHER = "either"  # honest judges differ (a table, a product page): assert nothing


@dataclass(frozen=True)
class Quirks:
    """Faults of the WARC record itself, as opposed to those of the page inside it."""

    record_id_of: str | None = None  # take the record id of another URL's response
    without_date: bool = False
    cut_gzip: bool = False  # keep only the first part of the gzip member
    truncated_reason: str | None = None  # `WARC-Truncated`: the crawler gave up reading
    wrong_digest: bool = False
    lower_case_headers: bool = False
    revisit_of: str | None = None


@dataclass(frozen=True)
class Group:
    """Pages that say the same thing. `first` is the URL of the original."""

    kind: str
    first: str
    jaccard: float | None = None  # of the two texts as planted, where they are known


@dataclass(frozen=True)
class Capture:
    url: str
    kind: str
    body: bytes
    fate: str = KEEP
    by: str = ""  # who should drop it: source, extract, url, language, filter or dedup
    language: str = ""
    content_type: str | None = HTML
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = ()
    line_end: str = "\r\n"
    must_contain: tuple[str, ...] = ()
    must_not_contain: tuple[str, ...] = ()
    group: Group | None = None
    # Facts for the tests that belong to one kind only, such as the true charset.
    facts: dict[str, object] = field(default_factory=dict)
    quirks: Quirks = Quirks()

    @property
    def is_html(self) -> bool:
        return bool(self.body) and (self.content_type or "").startswith(
            ("text/html", "application/xhtml")
        )

    def expectation(self) -> dict[str, object]:
        """The entry in expected.json, without empty fields."""
        entry: dict[str, object] = {
            "url": self.url,
            "kind": self.kind,
            "fate": self.fate,
            "by": self.by,
            "language": self.language,
            "must_contain": list(self.must_contain),
            "must_not_contain": list(self.must_not_contain),
            **self.facts,
        }
        return {key: value for key, value in entry.items() if value not in ("", [])}
