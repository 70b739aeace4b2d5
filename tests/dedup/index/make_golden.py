"""Writes golden_datatrove.json: what datatrove 0.10 removes of one corpus against an index of
another. Run it with a Python that has datatrove, e.g. in a virtual environment of its own::

    python tests/dedup/index/make_golden.py
"""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.dedup.minhash import (
    MinhashBuildIndex,
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupSignature,
)

BANDS = 14


def near(random_: random.Random, text: str, changes: int) -> str:
    words = text.split()
    for _ in range(changes):
        words[random_.randrange(len(words))] = random_.choice(words)
    return " ".join(words)


def corpora() -> tuple[list[list[str]], list[list[str]]]:
    """(old, new): shards of texts. No two of the old ones are near each other but where they are
    equal, so it does not matter which of them an index is made of."""
    random_ = random.Random(11)
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = ["".join(random_.choices(letters, k=random_.randint(2, 8))) for _ in range(3000)]

    def text() -> str:
        return " ".join(random_.choices(vocabulary, k=random_.randint(40, 120)))

    old = [text() for _ in range(60)]
    fresh = [text() for _ in range(40)]
    new = []
    for source in (*old[:40], *fresh):
        for _ in range(random_.randint(0, 3)):
            new.append(near(random_, source, random_.choice([0, 1, 1, 2, 4, 8])))
    new += ["too short", *fresh[:15]]
    old += old[5:9]
    random_.shuffle(old)
    random_.shuffle(new)
    return [old[:30], old[30:]], [new[0::3], new[1::3], new[2::3]]


def sign(folder: str, shards: list[list[str]], config: MinhashConfig) -> None:
    for rank, texts in enumerate(shards):
        documents = (Document(text=text, id=str(n)) for n, text in enumerate(texts))
        MinhashDedupSignature(folder, config=config).run(documents, rank, len(shards))


def removed(folder: Path) -> list[list[int]]:
    found = []
    for file in sorted(folder.glob("*.remove")):
        data = file.read_bytes()
        places = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
        found += [[int(file.stem), place] for place in places if place != (1 << 32) - 1]
    return found


def clusters(folder: Path) -> list[list[list[int]]]:
    """Members of every cluster of two or more that datatrove writes."""
    found: dict[int, list[list[int]]] = {}
    for file in sorted(folder.glob("*.clusters")):
        data = file.read_bytes()
        for i in range(0, len(data), 8):
            place = int.from_bytes(data[i : i + 4], "little")
            number = int.from_bytes(data[i + 4 : i + 8], "little")
            if place != (1 << 32) - 1:
                found.setdefault(number, []).append([int(file.stem), place])
    return sorted(found.values())


def main() -> None:
    config = MinhashConfig(num_buckets=BANDS)
    old, new = corpora()
    golden: dict[str, object] = {"old": old, "new": new}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        sign(f"{root}/old", old, config)
        sign(f"{root}/new", new, config)
        for band in range(BANDS):
            build = MinhashBuildIndex(f"{root}/old", f"{root}/index", "old", config=config)
            build.run(None, band, BANDS)
        for only in (True, False):
            pairs, out = f"{root}/pairs{only}", root / f"out{only}"
            buckets = MinhashDedupBuckets(
                f"{root}/new", pairs, f"{root}/index", config=config, only_dedup_in_index=only
            )
            for band in range(BANDS):
                buckets.run(None, band, BANDS)
            cluster = MinhashDedupCluster(pairs, str(out), config=config, save_cluster_id=True)
            cluster.run(None, 0, 1)
            key = "only" if only else "both"
            golden[key] = {"removed": removed(out), "clusters": clusters(out)}
    path = Path(__file__).with_name("golden_datatrove.json")
    path.write_text(json.dumps(golden, ensure_ascii=False, indent=0) + "\n")


if __name__ == "__main__":
    main()
