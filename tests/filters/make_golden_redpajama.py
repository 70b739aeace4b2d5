"""Makes golden_redpajama.json: what RedPajama-V2's own code says of our texts.

The oracle is a checkout of togethercomputer/RedPajama-Data and nltk::

    python tests/filters/make_golden_redpajama.py CHECKOUT/app/src

The signals of models and of lists of domains are left out; its stop words are replaced by ours.
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from signal_texts import BAD_WORDS, STOP_WORDS, TEXTS

GOLDEN = Path(__file__).with_name("golden_redpajama.json")


def main(checkout: str) -> None:
    sys.path.insert(0, checkout)
    signals = "core.quality_signals"
    import_module(f"{signals}.utils.stop_words").stop_words["en"] = set(STOP_WORDS)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "en.txt").write_text("\n".join(BAD_WORDS))
        Path(folder, "domain_to_category_id.json").write_text("{}")
        functions: list[Any] = [
            *import_module(f"{signals}.content").register_content_callables("en", folder, folder),
            *import_module(f"{signals}.natural_language").register_natural_language_callables(),
            *import_module(f"{signals}.repetitions").register_repetitions_callables(),
            *import_module(f"{signals}.lines").register_lines_callables(),
        ]
    document = import_module("core.document").Document
    cases = []
    for text in TEXTS:
        found = document(text, domain=None, precompute_ngrams=True)
        values = {}
        for function in functions:
            scores = [score for _, _, score in function(found)]
            name = function.field_name
            values[name] = scores if name.startswith("rps_lines_") else scores[0]
        cases.append({"text": text, "values": values})
    golden = {"bad_words": BAD_WORDS, "stop_words": STOP_WORDS, "cases": cases}
    GOLDEN.write_text(json.dumps(golden, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
