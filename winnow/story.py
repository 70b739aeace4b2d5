"""All that a run knows of one page: what ``winnow explain`` prints."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from winnow.corpus import Corpus, Document
from winnow.errors import StoreError, WinnowError
from winnow.pipeline.bounds import Bound, in_order
from winnow.schema import KEPT, ROW_BITS
from winnow.store.manifest import Store
from winnow.whatif.ledger import bounds_of, measures_of, read_rows

RUNNERS_UP = 5
COMMON_CRAWL = "https://data.commoncrawl.org/"


@dataclass(frozen=True)
class MeasureLine:
    """One measure of the page, against its bound."""

    measure: str
    value: float | int | str | bool | None
    bound: str = ""
    """Both sides as words; empty where there is none."""
    margin: float | None = None
    """How far inside (0 or more) or outside, in units of the bound, or of the measure where the
    bound is 0; None without a bound, without a value, and for labels that are allowed."""
    broken: bool = False
    first: bool = False
    """Whether it is the one that the verdict names."""


@dataclass(frozen=True)
class Story:
    """The page's story, in the order in which it was made."""

    verdict: str
    record: dict[str, Any]
    languages: list[tuple[str, float]]
    """The most probable first: recomputed by the run's model, so at most ``RUNNERS_UP``."""
    measures: list[MeasureLine]
    recipes: dict[str, str]
    """What each recipe that the run compared says, and each applied verdict."""
    text: str
    """As the filters left it."""
    extracted: str
    """As it was extracted."""
    clusters: list[dict[str, Any]]
    repeats: list[dict[str, Any]]
    """What steps that look for repeated lines, n-grams and substrings found in the text."""
    tokens: dict[str, Any] | None
    bytes: dict[str, Any] = field(default_factory=dict)
    """Where the record lies, and the command that gets it."""

    @property
    def rewritten(self) -> bool:
        return self.text != self.extracted

    def dropped_lines(self) -> list[str]:
        """The extracted text against what is left of it, as a diff without context and without
        blank lines."""
        diff = difflib.unified_diff(
            self.extracted.splitlines(), self.text.splitlines(), lineterm="", n=0
        )
        next(diff, None), next(diff, None)  # names of files
        return [line for line in diff if not line.startswith("@@") and line[1:].strip()]


def tell(corpus: Corpus, url: str) -> Story:
    """The story of the page at ``url``. :class:`StoreError` where the run has none."""
    document = corpus.document(url)
    page = document.story["documents"]
    text = page["text"]
    for name, row in document.story.items():
        if name != "documents" and row.get("text") is not None:
            text = row["text"]
    measures: list[MeasureLine] = []
    recipes: dict[str, str] = {}
    for ledger in corpus.ledger_stores:
        row = document.story[str(ledger.manifest["name"])]
        measures += _measures(ledger, row)
        for recipe, held in ledger.manifest.get("recipes", {}).items():
            recipes[recipe] = row[held["column"]] or "not considered"
    recipes |= _applied(corpus, page["doc_id"])
    kept = document.verdict == KEPT
    return Story(
        verdict=document.verdict,
        record={name: value for name, value in page.items() if name != "text"},
        languages=_languages(corpus, page["text"]),
        measures=measures,
        recipes=recipes,
        text=text,
        extracted=page["text"],
        clusters=_clusters(corpus, document),
        repeats=_repeats(document),
        tokens=_tokens(corpus, page["doc_id"]) if kept else None,
        bytes=record_bytes(page),
    )


def _measures(ledger: Store, row: dict[str, Any]) -> list[MeasureLine]:
    """Every measure of a ledger; with several bounds on one, the tightest is told."""
    bounds = bounds_of(ledger)
    schema = ledger.schema
    batch = pa.RecordBatch.from_pylist([row], schema)
    parts: dict[str, list[tuple[float, float, Bound]]] = {}
    for _, part in in_order(bounds):
        margins, limits = part.margins(batch)
        parts.setdefault(part.measure, []).append((float(margins[0]), float(limits[0]), part))
    names = dict.fromkeys([*parts, *measures_of(ledger)])
    ordered = [name for name in names if name not in measures_of(ledger)]
    lines = []
    for name in (*ordered, *measures_of(ledger)):
        own = sorted(parts.get(name, []), key=lambda each: each[0])
        margin = None
        broken = bool(own) and own[0][0] < 0
        if own and row.get(name) is not None and abs(own[0][0]) != float("inf"):
            margin = own[0][0]
        verdict = row["verdict"]  # null where an earlier step had rejected the page
        first = broken and verdict is not None and verdict in (name, row.get(name))
        told = "; ".join(text for _, _, part in own if (text := limits_text(part, row)))
        lines.append(MeasureLine(name, row.get(name), told, margin, broken, first))
    return lines


def limits_text(bound: Bound, row: dict[str, Any]) -> str:
    """A bound as words, for the language and so on of ``row``."""
    if bound.top is not None:
        of = f" by {bound.top.by}" if bound.top.by else ""
        cuts = {label: score for label, score, _ in bound.top.cuts or ()}
        cut = cuts.get(row.get(bound.top.per) if bound.top.per else None)
        return f"the best {bound.top.share:g}{of}" + ("" if cut is None else f", from {cut:g} up")
    if bound.allowed is not None:
        return "one of " + ", ".join(bound.allowed) if bound.allowed else "none allowed"
    low, high = bound.min, bound.max
    label = row.get(bound.by_column) if bound.by_column else None
    where = ""
    for name, minimum, maximum in bound.by:
        if label == name:
            low, high, where = minimum, maximum, f" ({name})"
    sides = [f"min {low:g}" if low is not None else "", f"max {high:g}" if high is not None else ""]
    told = ", ".join(side for side in sides if side)
    return told + where if told else ""


def _languages(corpus: Corpus, extracted: str) -> list[tuple[str, float]]:
    """The likeliest languages by the model that the run used; none where it used none, or where
    its file is not here any more."""
    block = next(
        (each for each in corpus.config.get("stage", []) if each.get("use") == "language"), None
    )
    if block is None or not extracted.strip():
        return []
    from winnow.filters.fasttext_model import load_model, one_line
    from winnow.filters.language import LanguageFilter
    from winnow.pipeline.fingerprint import file_digest

    keys = {key: block[key] for key in ("model", "chars", "sure_prob") if key in block}
    stage = LanguageFilter(**keys)
    try:
        if file_digest(stage.model_path) != _model_of(corpus):
            return []
        model = load_model(stage.model_path, stage.use)
    except (OSError, WinnowError):  # the file is gone, or the package that reads it
        return []
    column = pa.array([extracted], pa.large_string())
    found: list[tuple[str, float]] = []
    for chars in (stage.chars or None, None):
        labels, probs = model.predict(one_line(column, chars)[0], k=RUNNERS_UP)
        found = [
            (label.removeprefix("__label__"), min(1.0, float(prob)))
            for label, prob in zip(labels, probs, strict=True)
        ]
        sure = found and found[0][1] >= stage.sure_prob
        if sure or not stage.sure_prob or not stage.chars or len(extracted) <= stage.chars:
            break
    return found


def _model_of(corpus: Corpus) -> str | None:
    for store in corpus.measures_stores:
        for measuring in store.manifest["config"]["measurings"]:
            if measuring["filter"].get("use") == "language":
                return str(measuring["filter"]["model_sha256"])
    return None


def _applied(corpus: Corpus, doc_id: int) -> dict[str, str]:
    from winnow.whatif.applied import open_applied

    found = {}
    for name in corpus.applied:
        try:
            store = open_applied(corpus, name)
        except StoreError:
            continue  # of a ledger that is no more
        place = (doc_id >> ROW_BITS, doc_id & ((1 << ROW_BITS) - 1))
        row = read_rows(store, [place], ["verdict"])[0]
        found[name] = str(row["verdict"] or "not considered")
    return found


def _clusters(corpus: Corpus, document: Document) -> list[dict[str, Any]]:
    """What deduplications found, with the survivor's URL."""
    found = []
    documents = corpus.stores["documents"]
    for store, row in document.story.items():
        if row.get("cluster_id") is None:
            continue
        survivor, url = row["survivor_id"], None
        if survivor is not None:
            place = (survivor >> ROW_BITS, survivor & ((1 << ROW_BITS) - 1))
            url = read_rows(documents, [place], ["url"])[0]["url"]
        found.append(
            {
                "step": store,
                "verdict": row["verdict"],
                "size": row["cluster_size"],
                "survivor_id": survivor,
                "survivor_url": url,
                "similarity": row.get("similarity"),
                "index_id": row.get("index_id"),
                "index_record": _index_record(corpus, store, row),
                "repeat_count": row.get("repeat_count"),
            }
        )
    return found


def _index_record(corpus: Corpus, step: str, row: dict[str, Any]) -> dict[str, Any] | None:
    """The document of an index that stays for this one; None where there is none (any more)."""
    if row.get("index_id") is None:
        return None
    from winnow.dedup.index.found_record import index_record

    return index_record(corpus.path, step, row["index_id"], row["doc_id"])


def _repeats(document: Document) -> list[dict[str, Any]]:
    """Of each store of verdicts that can rewrite: its step, verdict, and what it measured."""
    found = []
    for store, row in document.story.items():
        if store != "documents" and "verdict" in row and "text" in row and row["verdict"]:
            plain = ("doc_id", "verdict", "text", "text_bytes")
            measured = {name: value for name, value in row.items() if name not in plain}
            rewritten = row["text"] is not None
            found.append(
                {"step": store, "verdict": row["verdict"], "rewritten": rewritten, **measured}
            )
    return found


def _tokens(corpus: Corpus, doc_id: int) -> dict[str, Any] | None:
    """Where the document's tokens lie; None where the run has none, or not of this one."""
    store = corpus.tokens_store
    if store is None:
        return None
    for number, shard in enumerate(store.shards):
        row = 0
        for batch in store.batches(["doc_id", "input_ids"], number):
            at = pc.index(batch.column("doc_id"), pa.scalar(doc_id, pa.uint64())).as_py()
            if at >= 0:
                count = len(batch.column("input_ids")[at])
                return {
                    "count": count,
                    "split": shard.extra.get("split"),
                    "file": store.folder.join(shard.file),
                    "row": row + at,
                }
            row += batch.num_rows
    return None


def record_bytes(page: dict[str, Any]) -> dict[str, Any]:
    """WARC file, offset and length, and how to get the record again."""
    file, offset, length = (page[key] for key in ("warc_file", "warc_offset", "warc_length"))
    if file.startswith("crawl-data/"):
        file = COMMON_CRAWL + file
    file = file.replace("s3://commoncrawl/", COMMON_CRAWL)
    if file.startswith(("https://", "http://")):
        command = f"curl -s -r {offset}-{offset + length - 1} {file} | gunzip"
    elif "://" in file:
        command = ""
    else:
        tail = f"tail -c +{offset + 1} '{file}' | head -c {length}"
        command = f"{tail} | gunzip" if file.endswith(".gz") else tail
    return {"warc_file": page["warc_file"], "warc_offset": offset, "warc_length": length,
            "command": command}  # fmt: skip
