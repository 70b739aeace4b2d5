"""Makes golden_bad_words.json: what datatrove's bad-word filter says of texts, with lists of ours.

The oracle needs an environment of its own::

    python -m venv /tmp/datatrove
    /tmp/datatrove/bin/pip install "datatrove[io,processing]==0.10.0"
    /tmp/datatrove/bin/python tests/filters/make_golden_bad_words.py
"""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

GOLDEN = Path(__file__).with_name("golden_bad_words.json")
LISTS = {
    "en": [
        *("bad", "very bad", "2 worse", "ugly-word", "naïve", "c++", "@#!", "σας", "i̇x", "sm"),
        *("Capital", "b"),
    ],
    "ja": ["だめ", "女の子", "悪い"],
}
PIECES = (
    *("bad", "very", "BAD", " ", "  ", "\n", "_", "-", "worse", "2", "ugly", "ugly-word", "naïve"),
    *(
        "NAÏVE",
        "c++",
        "C++",
        "@#!",
        "Σας",
        "ΣΑΣ",
        "σας",
        "İx",
        "Capital",
        "capital",
        "b",
        "B",
        "sm",
    ),
    *("日本", "だめ", "女の子", "悪い", "é", "\u212a", "."),
)


def main() -> None:
    from datatrove.data import Document
    from datatrove.pipeline.filters import c4_filters

    choice = random.Random(5)
    texts = [
        "".join(choice.choice(PIECES) for _ in range(choice.randint(0, 7))) for _ in range(900)
    ]
    with tempfile.TemporaryDirectory() as folder:
        for language, entries in LISTS.items():
            Path(folder, language).write_text("\n".join(entries) + "\n", "utf-8")
        c4_filters.cached_asset_path_or_download = lambda url, **_: f"{folder}/{url[-2:]}"
        bad_words = c4_filters.C4BadWordsFilter()
        cases = [
            [
                text,
                *(
                    bad_words.filter(Document(text, "0", metadata={"language": language})) is True
                    for language in LISTS
                ),
            ]
            for text in dict.fromkeys(texts)
        ]
    golden = {"lists": LISTS, "cases": cases}
    GOLDEN.write_text(json.dumps(golden, ensure_ascii=False, indent=0) + "\n", "utf-8")
    print(len(cases), [sum(case[place] for case in cases) for place in (1, 2)])


if __name__ == "__main__":
    main()
