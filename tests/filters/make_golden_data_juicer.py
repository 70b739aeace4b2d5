"""Makes golden_data_juicer.json: what data-juicer says of our texts.

The oracle needs an environment of its own::

    python -m venv /tmp/data-juicer
    /tmp/data-juicer/bin/pip install py-data-juicer==1.6.1
    /tmp/data-juicer/bin/python tests/filters/make_golden_data_juicer.py
"""

from __future__ import annotations

import json
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from signal_texts import BAD_WORDS, STOP_WORDS, TEXTS

GOLDEN = Path(__file__).with_name("golden_data_juicer.json")
FILTERS = {
    "alphanumeric_filter": "AlphanumericFilter",
    "average_line_length_filter": "AverageLineLengthFilter",
    "character_repetition_filter": "CharacterRepetitionFilter",
    "flagged_words_filter": "FlaggedWordFilter",
    "maximum_line_length_filter": "MaximumLineLengthFilter",
    "special_characters_filter": "SpecialCharactersFilter",
    "stopwords_filter": "StopWordsFilter",
    "text_length_filter": "TextLengthFilter",
    "words_num_filter": "WordsNumFilter",
    "word_repetition_filter": "WordRepetitionFilter",
}


def main() -> None:
    stats = import_module("data_juicer.utils.constant").Fields.stats
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "flagged_words.json").write_text(json.dumps({"en": BAD_WORDS}))
        Path(folder, "stopwords.json").write_text(json.dumps({"en": STOP_WORDS}))
        lists = {
            "flagged_words_filter": {"flagged_words_dir": folder},
            "stopwords_filter": {"stopwords_dir": folder},
        }
        filters: dict[str, Any] = {
            module: getattr(import_module(f"data_juicer.ops.filter.{module}"), name)(
                **lists.get(module, {})
            )
            for module, name in FILTERS.items()
        }
    cases = []
    for text in TEXTS:
        values = {}
        for module, filter in filters.items():
            if module == "stopwords_filter":
                found = filter.compute_stats_single({"text": text, stats: {}})[stats]
            else:
                found = filter.compute_stats_batched({"text": [text], stats: [{}]})[stats][0]
            (values[module],) = found.values()
        cases.append({"text": text, "values": values})
    golden = {"flagged_words": BAD_WORDS, "stop_words": STOP_WORDS, "cases": cases}
    GOLDEN.write_text(json.dumps(golden, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
