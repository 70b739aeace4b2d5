"""What datatrove's SentenceDedup leaves of texts, for a Python that has datatrove 0.10 and spaCy.

    python make_golden_sentences.py TEXTS.json ANSWERS.json

``TEXTS.json``: a list of files, each a list of texts, in the order of the input. ``ANSWERS.json``:
for each text what is left of it, or null where the document was dropped. The three steps run one
after another in this process; they read and write folders as in a run with one task a file.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path


def answers(files: list[list[str]]) -> list[list[str | None]]:
    from datatrove.data import Document  # type: ignore[import-not-found]
    from datatrove.pipeline.dedup.sentence_dedup import (  # type: ignore[import-not-found]
        SentDedupConfig,
        SentenceDedupFilter,
        SentenceDedupSignature,
        SentenceFindDedups,
    )

    config = SentDedupConfig()

    def documents(texts: list[str]):  # type: ignore[no-untyped-def]
        return (Document(text=text, id=str(number)) for number, text in enumerate(texts))

    with tempfile.TemporaryDirectory() as name:
        signatures, found = f"{name}/signatures", f"{name}/found"
        sign = SentenceDedupSignature(signatures, finder_workers=1, config=config)
        for rank, texts in enumerate(files):
            sign.run(documents(texts), rank, len(files))
        SentenceFindDedups(signatures, found, config=config).run(rank=0, world_size=1)
        left = []
        for rank, texts in enumerate(files):
            step = SentenceDedupFilter(found, config=config)
            kept = {doc.id: doc.text for doc in step.run(documents(texts), rank, len(files))}
            left.append([kept.get(str(number)) for number in range(len(texts))])
    return left


if __name__ == "__main__":
    given, answered = map(Path, sys.argv[1:])
    answered.write_text(json.dumps(answers(json.loads(given.read_text("utf-8")))), "utf-8")
