"""The peer of language.py: datatrove's LanguageFilter over documents, under the peer's Python.

``datatrove_chain.py`` says how to install it. Reads a JSON file of texts, prints one JSON object:
seconds (the model is loaded before) and the label of every text. ``--lid`` is put where datatrove
looks for the model that it would download.
"""

import argparse
import json
import os
import tempfile
import time

from datatrove_chain import place_language_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", required=True)
    parser.add_argument("--lid", required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HF_HOME"] = folder
        place_language_model(args.lid)
        from datatrove.data import Document
        from datatrove.pipeline.filters import LanguageFilter

        with open(args.texts, encoding="utf-8") as file:
            texts = json.load(file)
        stage = LanguageFilter(languages=["en"])
        stage.filter(Document("load the model", "0"))
        documents = [Document(text, str(number)) for number, text in enumerate(texts)]
        start = time.process_time()
        kept = [bool(stage.filter(document)) for document in documents]
        seconds = time.process_time() - start
    labels = [document.metadata["language"] for document in documents]
    print(json.dumps({"seconds": seconds, "labels": labels, "kept": kept}))


if __name__ == "__main__":
    main()
