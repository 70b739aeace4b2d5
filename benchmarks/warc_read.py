"""Reading WARC files into record batches, against loops over the peers' records.

    pip install fastwarc warcio
    python benchmarks/warc_read.py --json FILE

Ours is the whole source: splits, damage checks, HTTP decoding, content types, Arrow batches of all
columns. The peers are the shortest loops that parse every record with its HTTP head and read the
bodies of the responses; "into Arrow" also collects the same columns by hand. Interleaved in one
process; CPU seconds, so that a busy machine matters less; medians. ``same_output``: as many bodies
and bytes. ``ratio`` above 1 means that ours is faster.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from rows import SHARED, Row, median, parser, report

from winnow.pipeline.stage import Tally
from winnow.sources.warc import WarcSource

Found = tuple[int, int]  # bodies, bytes
BATCH_ROWS = 64


def ours(path: str) -> Found:
    source = WarcSource(paths=(path,))
    read = source.open()
    bodies = size = 0
    for split in source.splits():
        for batch in read(split, Tally()):
            bodies += batch.num_rows
            offsets = batch.column("payload").buffers()[1]
            size += memoryview(offsets).cast("q")[batch.num_rows]
    return bodies, size


def bare_fastwarc(path: str) -> Found:
    from fastwarc import ArchiveIterator, WarcRecordType

    bodies = size = 0
    for record in ArchiveIterator(path, parse_http=True, auto_decode="all", fsspec_args=False):
        if record.record_type == WarcRecordType.response:
            bodies += 1
            size += len(record.reader.read())
    return bodies, size


def fastwarc_into_arrow(path: str) -> Found:
    from fastwarc import ArchiveIterator, WarcRecordType

    names = ("url", "crawl_date", "record_id", "content_type", "payload")
    types = (pa.string(), pa.timestamp("s", "UTC"), pa.string(), pa.string(), pa.large_binary())
    rows: list[tuple[object, ...]] = []
    bodies = size = 0

    def flush() -> None:
        columns = zip(*rows, strict=True)
        arrays = [pa.array(list(c), t) for c, t in zip(columns, types, strict=True)]
        pa.RecordBatch.from_arrays(arrays, names=list(names))
        rows.clear()

    for record in ArchiveIterator(path, parse_http=True, auto_decode="all", fsspec_args=False):
        if record.record_type == WarcRecordType.response:
            body = record.reader.read()
            bodies += 1
            size += len(body)
            rows.append(
                (
                    record.headers.get("WARC-Target-URI"), record.record_date, record.record_id,
                    record.http_headers.get("Content-Type"), body,
                )
            )  # fmt: skip
            if len(rows) == BATCH_ROWS:
                flush()
    if rows:
        flush()
    return bodies, size


def bare_warcio(path: str) -> Found:
    from warcio.archiveiterator import ArchiveIterator

    bodies = size = 0
    with open(path, "rb") as file:
        for record in ArchiveIterator(file):
            if record.rec_type == "response":
                bodies += 1
                size += len(record.content_stream().read())
    return bodies, size


SIDES: dict[str, Callable[[str], Found]] = {
    "winnow": ours,
    "bare fastwarc loop": bare_fastwarc,
    "fastwarc into Arrow": fastwarc_into_arrow,
    "warcio loop": bare_warcio,
}


def compare(name: str, files: list[Path], rounds: int) -> list[Row]:
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    found: dict[str, list[Found]] = {}
    for round_index in range(rounds + 1):
        for side, read in SIDES.items():
            start = time.process_time()
            outcome = [read(str(file)) for file in files]
            if round_index:  # the first one warms caches and the allocator
                seconds[side].append(time.process_time() - start)
            found[side] = outcome
    bodies = sum(count for count, _ in found["winnow"])
    speed = {side: bodies / median(times) for side, times in seconds.items()}
    return [
        Row(
            name=f"read WARC, {name}", unit="pages/s", ours=speed["winnow"], peer=speed[side],
            peer_name=side, ratio=speed["winnow"] / speed[side],
            same_output=found["winnow"] == found[side],
            input=", ".join(file.name for file in files),
        )
        for side in SIDES
        if side != "winnow"
    ]  # fmt: skip


def main() -> None:
    args = parser(__doc__).parse_args()
    crawl = SHARED / "crawl"
    if not crawl.is_dir():
        raise SystemExit(f"{crawl} is not here: this benchmark reads the shared crawl")
    rows = [
        *compare(
            "with requests and metadata",
            [crawl / f"crawl-0000{n}.warc.gz" for n in (0, 2)],
            args.rounds,
        ),
        *compare("responses only", [crawl / f"crawl-0000{n}.warc.gz" for n in (1, 3)], args.rounds),
    ]
    report(rows, args.json)


if __name__ == "__main__":
    main()
