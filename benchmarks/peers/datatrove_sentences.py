"""The peer of lines.py: datatrove's three steps of sentence deduplication, one task, files on disk.

Runs under the peer's Python (``datatrove_chain.py`` says how to install it). ``--texts`` is a JSON
list of texts. Prints one JSON object: CPU seconds (imports and the tokenizer's start not counted),
the greatest RssAnon over that at the start, and a hash of what is left of each text.
"""

import argparse
import hashlib
import json
import tempfile
import threading
import time
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.dedup.sentence_dedup import (
    SentDedupConfig,
    SentenceDedupFilter,
    SentenceDedupSignature,
    SentenceFindDedups,
)


def anonymous_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("RssAnon:")[1].split()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", required=True)
    texts = json.loads(Path(parser.parse_args().texts).read_text("utf-8"))
    config = SentDedupConfig()
    with tempfile.TemporaryDirectory() as folder:
        signatures, found = f"{folder}/signatures", f"{folder}/found"
        steps = (
            SentenceDedupSignature(signatures, finder_workers=1, config=config),
            SentenceFindDedups(signatures, found, config=config),
            SentenceDedupFilter(found, config=config),
        )
        for step in (steps[0], steps[2]):
            step.tokenizer.sent_tokenize("One sentence. Another.")
        start_bytes = most = anonymous_bytes()
        stop = threading.Event()

        def watch() -> None:
            nonlocal most
            while not stop.wait(0.02):
                most = max(most, anonymous_bytes())

        thread = threading.Thread(target=watch)
        thread.start()
        start = time.process_time()
        documents = (Document(text=text, id=str(n)) for n, text in enumerate(texts))
        steps[0].run(documents, 0, 1)
        steps[1].run(rank=0, world_size=1)
        documents = (Document(text=text, id=str(n)) for n, text in enumerate(texts))
        left = {int(document.id): document.text for document in steps[2].run(documents, 0, 1)}
        seconds = time.process_time() - start
        stop.set()
        thread.join()
    digest = hashlib.sha256()
    for number in range(len(texts)):
        digest.update(f"{number}\0{left.get(number, '')}\0".encode())
    print(
        json.dumps(
            {"seconds": seconds, "peak_bytes": most - start_bytes, "left": digest.hexdigest()}
        )
    )


if __name__ == "__main__":
    main()
