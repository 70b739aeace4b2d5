"""MinHash signatures: documents a second, text to signature, one core.

    python benchmarks/minhash.py --peer-python .venv-datatrove/bin/python --json FILE

Documents: the shared crawl, extracted, in English (probability 0.65 and more), kept by FineWeb's
four filters. Ours reads them in batches in a process that has seen no other: its table of chunks
starts empty, and code is loaded ("cold"); and once more over the same texts ("warm": what a long
run comes near to). CPU seconds without imports and start, interleaved, medians; 112 values from
5-word shingles everywhere.

datatrove (`benchmarks/peers/datatrove_minhash.py`; ``datatrove_chain.py`` says how to install it)
goes from text to signature as well, without writing it. datasketch and rensa (``pip install
rensa``) are *given* the shingles, byte strings or strings: cutting them is not in their seconds,
and is in ours but for the rows "given", where we get the words. ``same_output``: all signatures
are equal. rensa has permutations of its own, so its cannot be; instead the similarities that each
estimates are compared with the true ones, for pairs of a document and of the document without its
first tenth, quarter or half.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from filters import FOUR, documents
from rows import ROOT, SHARED, Row, median, parser, report, run_child

PEER = ROOT / "benchmarks" / "peers" / "datatrove_minhash.py"
BATCH_ROWS = 1024
BANDS, ROWS, NGRAM = 14, 8, 5
SHAPES: dict[str, dict[str, Any]] = {
    "xxh64": {},
    "sha1": {"shingle_hash": "sha1"},
    "datasketch": {"family": "datasketch", "shingle_hash": "sha1", "bits": 32},
}


def kept(texts: list[str], folder: Path) -> list[str]:
    """Those that the four filters keep."""
    file = folder / "english.json"
    file.write_text(json.dumps(texts), encoding="utf-8")
    command = [sys.executable, str(ROOT / "benchmarks" / "filters.py"), "--child", str(file), *FOUR]
    verdicts = run_child(command).result["verdicts"]
    return [text for text, verdict in zip(texts, verdicts, strict=True) if verdict == "kept"]


def signers(name: str) -> Any:
    from winnow.dedup.signing.shape import Shape
    from winnow.dedup.signing.signatures import Signers

    return Signers(Shape(ngram=NGRAM, bands=BANDS, rows_per_band=ROWS, **SHAPES[name]))


def ours(name: str, texts: list[str], output: str) -> dict[str, float]:
    column = pa.array(texts, pa.large_string())
    signers(name).signatures(column.slice(0, 10), None)  # loads the code
    one = signers(name)

    def run() -> tuple[float, Any]:
        start = time.process_time()
        found = [
            one.signatures(column.slice(first, BATCH_ROWS), None)[0]
            for first in range(0, len(texts), BATCH_ROWS)
        ]
        return time.process_time() - start, np.concatenate(found)

    cold, signatures = run()
    warm, again = run()
    assert (signatures == again).all()
    np.save(output, signatures)
    return {"cold": cold, "warm": warm, "given": given_units(one, column)}


def given_units(one: Any, column: Any) -> float:
    """Seconds of hashing and signing alone, the words of every text given side by side."""
    from winnow.dedup.signing import minhash_kernels, shingle_kernels
    from winnow.dedup.signing.permutations import permutations
    from winnow.dedup.signing.shingles import _KINDS, Shingler
    from winnow.text.words import splitter

    shape, seconds = one.shape, 0.0
    table = Shingler(shape)._table(splitter("en"))
    sign = minhash_kernels.sign_mersenne
    if shape.family == "datasketch":
        sign = minhash_kernels.sign_affine
    a, b = permutations(shape.values, shape.seed, shape.family)
    for _, _, chunks, ends in table.chunks(column):
        units, offsets = np.zeros(len(ends) + 1, np.int64), np.zeros(len(ends) + 1, np.int64)
        data, starts = shingle_kernels.join_units(
            chunks, ends, table.value_starts, table.values, False, units
        )
        signatures = np.zeros((len(ends), shape.values), np.uint64)
        kind = _KINDS[shape.shingle_hash, shape.bits]
        start = time.process_time()
        hashes = shingle_kernels.hash_shingles(data, starts, units, NGRAM, 1, kind, offsets)
        sign(hashes, offsets, np.arange(len(ends)), a, b, signatures)
        seconds += time.process_time() - start
    return seconds


def shingles(texts: list[str]) -> list[list[str]]:
    """Those of every text, in plain Python: what the peers are given."""
    from winnow.dedup.signing.normalise import chunk_pieces
    from winnow.text.words import splitter

    words_of = splitter("en").tokenize
    found = []
    for text in texts:
        pieces = [piece for chunk in chunk_pieces(text.split()) for piece in chunk]
        words = [word for piece in pieces for word in words_of(piece)]
        found.append([" ".join(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1)])
    return found


def datasketch(texts: list[str], output: str) -> dict[str, float]:
    from datasketch import MinHash

    given = [[gram.encode() for gram in grams] for grams in shingles(texts)]
    signatures = np.zeros((len(texts), BANDS * ROWS), np.uint64)
    seconds = 0.0
    empty = MinHash(BANDS * ROWS, seed=1)
    for row, grams in enumerate(given):
        start = time.process_time()
        signature = empty.copy()  # shares the permutations
        signature.update_batch(grams)
        seconds += time.process_time() - start
        if grams:
            signatures[row] = signature.hashvalues
    np.save(output, signatures)
    return {"seconds": seconds}


def rensa(texts: list[str], output: str) -> dict[str, float]:
    from rensa import RMinHash

    given = shingles(texts)
    seconds = 0.0
    signatures = np.zeros((len(texts), BANDS * ROWS), np.uint64)
    for row, grams in enumerate(given):
        start = time.process_time()
        signature = RMinHash(num_perm=BANDS * ROWS, seed=42)
        signature.update(grams)
        digest = signature.digest()
        seconds += time.process_time() - start
        signatures[row] = digest
    np.save(output, signatures)
    return {"seconds": seconds}


def shortened(texts: list[str]) -> list[str]:
    """Each text without its first tenth, quarter or half."""
    cuts = (0.1, 0.25, 0.5)
    return [text[int(len(text) * cuts[i % len(cuts)]) :] for i, text in enumerate(texts)]


def child(name: str, file: str, output: str) -> None:
    texts = json.loads(Path(file).read_text("utf-8"))
    if name in SHAPES:
        result = ours(name, texts, output)
    else:
        result = {"peer-datasketch": datasketch, "peer-rensa": rensa}[name](texts, output)
    print(json.dumps(result))


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--peer-python", default=".venv-datatrove/bin/python")
    arguments.add_argument("--input", default="crawl-*.warc.gz", help="files of the shared crawl")
    arguments.add_argument("--child", nargs=3, metavar="ARG", help="(for the benchmark itself)")
    args = arguments.parse_args()
    if args.child:
        child(*args.child)
        return
    if not (SHARED / "crawl").is_dir():
        raise SystemExit(f"{SHARED / 'crawl'} is not here: this benchmark reads the shared crawl")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = kept(documents(args.input), folder)
        file, pairs = folder / "texts.json", folder / "pairs.json"
        file.write_text(json.dumps(texts), encoding="utf-8")
        pairs.write_text(json.dumps(texts + shortened(texts)), encoding="utf-8")

        def run(side: str, given: Path = file) -> dict[str, Any]:
            output = str(folder / f"{given.stem}-{side}.npy")
            if side.startswith("datatrove"):
                kind = side.partition("-")[2]
                command = [args.peer_python, str(PEER), "--texts", str(given)]
                command += ["--hash", kind, "--output", output]
            else:
                command = [sys.executable, str(Path(__file__).resolve()), "--child", side]
                command += [str(given), output]
            return run_child(command).result

        for side in SHAPES:
            run(side)  # compile, once a machine
        sides = (*SHAPES, "datatrove-xxhash", "datatrove-sha1", "peer-datasketch", "peer-rensa")
        rounds = [{side: run(side) for side in sides} for _ in range(args.rounds)]
        for side in ("xxh64", "peer-rensa"):
            run(side, pairs)
        report(rows(args.input, texts, rounds, folder), args.json)
        compare_estimates(texts, folder)


def rows(
    pattern: str, texts: list[str], rounds: list[dict[str, dict[str, float]]], folder: Path
) -> list[Row]:
    def speed(side: str, key: str) -> float:
        return len(texts) / median([each[side][key] for each in rounds])

    def load(side: str) -> Any:
        return np.load(folder / f"texts-{side}.npy")

    chars = sum(len(text) for text in texts) / len(texts)
    found = []
    for label, side, peer, peer_name in (
        ("XXH64, as datatrove", "xxh64", "datatrove-xxhash", "datatrove 0.10.0"),
        ("SHA-1, as FineWeb 2024", "sha1", "datatrove-sha1", "datatrove 0.10.0"),
        ("as datasketch", "datasketch", "peer-datasketch", "datasketch 2.0, shingles given"),
        ("beside rensa", "xxh64", "peer-rensa", "rensa 0.5, shingles given"),
    ):
        for key in ("cold", "warm", "given"):
            if key == "given" and peer_name.startswith("datatrove"):
                continue  # which is not given anything
            mine, theirs = speed(side, key), speed(peer, "seconds")
            found.append(
                Row(
                    name=f"sign {label}, {key}", unit="docs/s", ours=mine, peer=theirs,
                    peer_name=peer_name, ratio=mine / theirs,
                    same_output=bool((load(side) == load(peer)).all()),
                    input=f"{pattern}, {len(texts):,} kept documents of {chars:,.0f} characters",
                )
            )  # fmt: skip
    return found


def compare_estimates(texts: list[str], folder: Path) -> None:
    """Print how far the estimated similarities are from the true ones."""
    column = pa.array(texts + shortened(texts), pa.large_string())
    offsets, hashes = signers("xxh64").shingle_sets(column, None)
    sets = [hashes[a:b] for a, b in pairwise(offsets.tolist())]
    count = len(texts)
    usable = [i for i in range(count) if len(sets[i]) and len(sets[count + i])]
    similarity: Callable[[Any, Any], float] = lambda a, b: (  # noqa: E731
        len(shared := np.intersect1d(a, b)) / (len(a) + len(b) - len(shared))
    )
    true = np.array([similarity(sets[i], sets[count + i]) for i in usable])
    print(f"estimated similarity of {len(usable):,} pairs, true ones {true.min():.2f} to 1:")
    for side in ("xxh64", "peer-rensa"):
        found = np.load(folder / f"pairs-{side}.npy")
        estimates = np.array([np.mean(found[i] == found[count + i]) for i in usable])
        errors = estimates - true
        print(
            f"  {side:<12} mean error {errors.mean():+.4f}, root mean square "
            f"{np.sqrt((errors**2).mean()):.4f}"
        )


if __name__ == "__main__":
    main()
