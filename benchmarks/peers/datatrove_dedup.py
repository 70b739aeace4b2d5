"""The peer of dedup.py: datatrove's own four steps of MinHash, one worker.

Runs under the peer's Python (``datatrove_chain.py`` says how to install it). ``--input`` is a
folder of JSON lines with ``text``, a file a task. Prints one JSON object: CPU seconds by step
(imports not counted), which documents go, and the clusters: ``[file, ordinal]`` and ``[file,
ordinal, cluster]``.
"""

import argparse
import json
import struct
import time
from pathlib import Path
from typing import Any


def steps(source: str, work: Path, files: int) -> list[Any]:
    """Executors of the four steps in order; defaults of datatrove, but for what names a path."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import JsonlReader

    config = MinhashConfig()
    signatures, buckets, remove = (str(work / name) for name in ("sigs", "buckets", "remove"))
    pipelines = [
        ([JsonlReader(source), MinhashDedupSignature(signatures, config)], files),
        ([MinhashDedupBuckets(signatures, buckets, config=config)], config.num_buckets),
        ([MinhashDedupCluster(buckets, remove, config=config, save_cluster_id=True)], 1),
        ([JsonlReader(source), MinhashDedupFilter(remove)], files),
    ]
    return [
        LocalPipelineExecutor(
            pipeline=pipeline, tasks=tasks, workers=1, logging_dir=str(work / f"logs-{number}")
        )
        for number, (pipeline, tasks) in enumerate(pipelines, 1)
    ]


def unpacked(path: Path, width: int) -> list[list[int]]:
    data = path.read_bytes()
    return [list(row) for row in struct.iter_unpack(f"<{width}I", data)]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--input", required=True)
    arguments.add_argument("--work", required=True)
    args = arguments.parse_args()
    work = Path(args.work)
    import datatrove.pipeline.readers  # noqa: F401
    import spacy.lang.en  # noqa: F401
    from datatrove.utils.logging import logger

    logger.remove()
    seconds = []
    for executor in steps(args.input, work, len(list(Path(args.input).iterdir()))):
        start = time.process_time()
        executor.run()
        seconds.append(time.process_time() - start)
    removed, clusters = [], []
    for path in sorted((work / "remove").glob("*.remove")):
        removed += [[int(path.stem), doc] for (doc,) in unpacked(path, 1)]
    for path in sorted((work / "remove").glob("*.clusters")):
        clusters += [[int(path.stem), doc, cluster] for doc, cluster in unpacked(path, 2)]
    found = {"seconds": sum(seconds), "steps": seconds, "removed": removed, "clusters": clusters}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
