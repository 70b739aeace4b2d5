"""Makes golden_dolma.json.gz: what Dolma's taggers say of some hundred texts, and its mixer keeps.

The oracle needs an environment of its own (its pins clash with ours)::

    python -m venv /tmp/dolma
    /tmp/dolma/bin/pip install dolma==1.2.1
    /tmp/dolma/bin/python tests/filters/make_golden_dolma.py

The mixer runs the rules of configs/dolma-v1_6/mixing/cc-head.yaml on the tags of `gopher_v1`, as
published and with the names of three rules put right; and takes lines out by the tags of `c4_v1`.
Texts are those of make_golden.py and make_golden_dclm.py, and ours.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from make_golden_dclm import texts as others

GOLDEN = Path(__file__).with_name("golden_dolma.json.gz")
GOPHER, C4 = "gopher_rules__gopher_v1__", "c4_rules__c4_v1__"

OURS = (
    "It says Lorem Ipsum here.\nAnd more {of} it",
    "Please enable JavaScript.\njavascript, it says\nit is javascript here!",
    'He said "yes"\nor " \nno? \n\n!',
    "…\n* a\n- b\n *c…\n" * 20,
    "İ am.\nhere\nİ İ İ\nthere it is.",
)
RULES = (
    *(("word_count", "< 50"), ("word_count", "> 100000"), ("median_word_length", "< 3")),
    *(("median_word_length", "> 10"), ("symbol_to_word_ratio", "> 0.1")),
    *(("fraction_of_words_with_alpha_character", "< 0.8"), ("required_word_count", "< 2")),
    ("fraction_of_lines_starting_with_bullet_point", "> 0.9"),
    ("fraction_of_lines_ending_with_ellipsis", "> 0.3"),
    ("fraction_of_duplicate_lines", "> 0.3"),
    ("fraction_of_characters_in_duplicate_lines", "> 0.3"),
    *(
        (f"fraction_of_characters_in_most_common_{n}gram", f"> {most}")
        for n, most in ((2, 0.2), (3, 0.18), (4, 0.16))
    ),
    *(
        (f"fraction_of_characters_in_duplicate_{n}grams", f"> {most}")
        for n, most in ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.1))
    ),
)


def exclusion(name: str, outside: str) -> str:
    tag = f"@.{GOPHER}{name}"
    return f"$.attributes[?({tag} && {tag}[0] && {tag}[0][2] {outside})]"


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def mixed(folder: Path, tags: str, exclude: list[str], spans: list[str]) -> dict[str, str]:
    """id → text of what the mixer keeps."""
    from dolma.dolma import mixer_entrypoint

    with tempfile.TemporaryDirectory() as work:
        stream = {
            "name": "golden",
            "documents": [f"{folder}/documents/*"],
            "attributes": [tags],
            "output": {
                "path": f"{work}/out",
                "max_size_in_bytes": 1 << 32,
                "min_text_length": 0,
                "discard_fields": ["attributes"],
            },
            "filter": {"include": [], "exclude": exclude, "syntax": "jsonpath"},
            "span_replacement": [
                {"span": f"$.attributes.{C4}{span}", "min_score": 0.5, "replacement": ""}
                for span in spans
            ],
        }
        places = {"input": f"{work}/in", "output": f"{work}/made"}
        mixer_entrypoint(json.dumps({"streams": [stream], "processes": 1, "work_dir": places}))
        rows = [
            json.loads(line)
            for file in sorted(Path(work, "out").glob("*"))
            for line in gzip.decompress(file.read_bytes()).decode().split("\n")[:-1]
        ]
    return {row["id"]: row["text"] for row in rows}


def main() -> None:
    from dolma.core.data_types import Document
    from dolma.taggers.c4 import C4Tagger, FasterC4Tagger
    from dolma.taggers.gopher import GopherTagger

    # with two paths: texts from the first (a JSON list), answers to the second
    given = json.loads(Path(sys.argv[1]).read_bytes()) if len(sys.argv) > 2 else None
    texts = list(dict.fromkeys([*OURS, *others()])) if given is None else given
    cases, documents, gopher, c4 = [], [], [], []
    for number, text in enumerate(texts):
        document = Document(source="golden", version="1", id=str(number), text=text)
        tags = GopherTagger().predict(document).spans
        marks = [tagger().predict(document).spans for tagger in (C4Tagger, FasterC4Tagger)]
        gopher.append({f"{GOPHER}{s.type}": [[s.start, s.end, s.score]] for s in tags})
        by_mark: dict[str, list[list[Any]]] = {}
        for span in marks[0]:
            by_mark.setdefault(f"{C4}{span.type}", []).append([span.start, span.end, span.score])
        c4.append(by_mark)
        dates = {"added": "2024-01-01T00:00:00Z", "created": "2024-01-01T00:00:00Z"}
        documents.append({"id": str(number), "text": text, "source": "golden", **dates})
        cases.append(
            {
                "text": text,
                "gopher": {span.type: span.score for span in tags},
                "marks": [[span.type for span in spans] for spans in marks],
            }
        )
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        write(folder / "documents" / "a.json.gz", documents)
        for name, all_tags in (("gopher", gopher), ("c4", c4)):
            rows = [{"id": str(i), "attributes": tags} for i, tags in enumerate(all_tags)]
            write(folder / "attributes" / name / "a.json.gz", rows)
        published = [exclusion(*rule) for rule in RULES]
        put_right = [exclusion(f"{n}s" if n.endswith("gram") else n, o) for n, o in RULES]
        open_lines = "lines_with_no_ending_punctuation"
        results = {
            "kept": mixed(folder, "gopher", published, []),
            "kept_put_right": mixed(folder, "gopher", put_right, []),
            "ended": mixed(folder, "c4", [], [open_lines]),
            "ended_and_long": mixed(folder, "c4", [], [open_lines, "lines_with_too_few_words"]),
        }
    for number, case in enumerate(cases):
        case |= {key: str(number) in results[key] for key in ("kept", "kept_put_right")}
        case |= {key: results[key].get(str(number), "") for key in ("ended", "ended_and_long")}
    golden = {"dolma": version("dolma"), "cases": cases}
    if given is not None:
        Path(sys.argv[2]).write_text(json.dumps(golden))
        return
    data = json.dumps(golden, ensure_ascii=False, indent=0).encode()
    GOLDEN.write_bytes(gzip.compress(data, mtime=0))
    print({key: sum(case[key] for case in cases) for key in ("kept", "kept_put_right")}, len(cases))


if __name__ == "__main__":
    main()
