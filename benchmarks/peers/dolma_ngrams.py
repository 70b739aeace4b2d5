"""Dolma's deduper (Rust) marks paragraphs by the n-grams that its Bloom filter has seen.

    python dolma_ngrams.py FOLDER NGRAM_COUNT FALSE_POSITIVE_PROB THRESHOLD

Reads ``FOLDER/documents/*.jsonl.gz`` (id, text), in one thread, and writes
``FOLDER/attributes/ngrams``. Runs where ``pip install --no-deps dolma==1.2.1`` was done: of the
package only the compiled part is loaded. The last line is JSON: CPU seconds and the greatest RSS.
"""

import glob
import importlib.util
import json
import resource
import sys
import sysconfig
import time
from importlib.machinery import ExtensionFileLoader

NGRAM_WORDS = 13


def main() -> None:
    folder, count, prob, threshold = sys.argv[1], *map(float, sys.argv[2:])
    (file,) = glob.glob(sysconfig.get_path("purelib") + "/dolma/dolma.*.so")
    loader = ExtensionFileLoader("dolma.dolma", file)
    spec = importlib.util.spec_from_loader("dolma.dolma", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    config = {
        "documents": [f"{folder}/documents/*.gz"],
        "work_dir": {"input": f"{folder}/input", "output": f"{folder}/output"},
        "dedupe": {
            "name": "ngrams",
            "paragraphs": {
                "attribute_name": "ngrams",
                "by_ngram": {
                    "ngram_length": NGRAM_WORDS,
                    "stride": 1,
                    "overlap_threshold": threshold,
                    "skip_short_paragraphs": True,
                },
            },
        },
        "bloom_filter": {
            "file": f"{folder}/bloom.bin",
            "read_only": False,
            "size_in_bytes": 0,
            "estimated_doc_count": int(count),
            "desired_false_positive_rate": prob,
        },
        "processes": 1,
    }
    start = time.process_time()
    module.deduper_entrypoint(json.dumps(config))
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak_bytes": peak}))


if __name__ == "__main__":
    main()
