"""The peer of filters.py: FineWeb's four filters of datatrove, under the peer's Python.

``datatrove_chain.py`` says how to install it. Reads a JSON file of texts, prints one JSON object:
seconds of CPU and, for every text, the reason of the first filter that drops it, or "kept".
"""

import argparse
import json
import time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", required=True)
    args = parser.parse_args()
    from datatrove.data import Document
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    with open(args.texts, encoding="utf-8") as file:
        texts = json.load(file)
    filters = [
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        C4QualityFilter(filter_no_terminal_punct=False),
        FineWebQualityFilter(),
    ]

    def reason(document: Document) -> str:
        for each in filters:
            result = each.filter(document)
            if result is not True:
                return str(result[1] if isinstance(result, tuple) else each.name)
        return "kept"

    reason(Document("Load the word splitter. " * 20, "0"))
    documents = [Document(text, str(number)) for number, text in enumerate(texts)]
    start = time.process_time()
    reasons = [reason(document) for document in documents]
    seconds = time.process_time() - start
    print(json.dumps({"seconds": seconds, "reasons": reasons}))


if __name__ == "__main__":
    main()
