"""``winnow index``: what earlier runs kept, for new runs to be deduplicated against."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from winnow.dedup.index.catalog import Index
from winnow.dedup.index.forgetting import Wanted, forget
from winnow.dedup.index.making import add_runs, build_index, compact_index, described
from winnow.dedup.index.records import find_record
from winnow.errors import ConfigError
from winnow.pipeline.local_executor import available_cores
from winnow.pipeline.sizes import format_size


def main(arguments: argparse.Namespace) -> int:
    actions = {"build": _build, "add": _add, "compact": _compact, "forget": _forget, "show": _show}
    return actions[arguments.index_command](arguments)


def _build(arguments: argparse.Namespace) -> int:
    index = build_index(
        _place(arguments), arguments.runs, shingles=arguments.shingles, workers=_workers(arguments)
    )
    return _tell(index, arguments)


def _add(arguments: argparse.Namespace) -> int:
    index = add_runs(
        _place(arguments), arguments.runs, shingles=arguments.shingles, workers=_workers(arguments)
    )
    return _tell(index, arguments)


def _compact(arguments: argparse.Namespace) -> int:
    return _tell(compact_index(_place(arguments), workers=_workers(arguments)), arguments)


def _place(arguments: argparse.Namespace) -> str:
    return str(arguments.index)


def _workers(arguments: argparse.Namespace) -> int:
    if arguments.workers is None:
        return available_cores()
    if arguments.workers < 1:
        raise ConfigError(f"--workers must be 1 or more, got {arguments.workers}")
    return int(arguments.workers)


def _forget(arguments: argparse.Namespace) -> int:
    wanted = Wanted(tuple(arguments.urls), tuple(arguments.domains), tuple(arguments.record_ids))
    if arguments.list is not None:
        wanted = wanted.and_also(Wanted.of_list(arguments.list))
    outcome = forget(_place(arguments), wanted)
    if arguments.json:
        print(json.dumps({"matched": outcome.matched, "forgotten": outcome.forgotten}))
    elif not outcome.matched:
        print("no document of the index is any of these")
    else:
        before = outcome.matched - outcome.forgotten
        already = f" ({before:,} were before)" if before else ""
        print(f"{outcome.forgotten:,} documents forgotten{already}")
        print(
            f"`winnow index compact {arguments.index}` takes away all that is stored of them; "
            "runs and backups are yours to see to"
        )
    return 0 if outcome.matched else 1


def _show(arguments: argparse.Namespace) -> int:
    index = Index.open(_place(arguments))
    if arguments.id is None:
        return _tell(index, arguments)
    record = find_record(index, arguments.id)
    if record is None:
        raise ConfigError(
            f"the index has no document {arguments.id}",
            remedy="It was rejected in its run, or is forgotten; or the number is of a verdict "
            "that was made against another state of the index.",
        )
    if arguments.json:
        print(json.dumps(record, ensure_ascii=False, default=str))
    else:
        print(
            "\n".join(f"{name:<12} {value}" for name, value in record.items() if value is not None)
        )
    return 0


def _tell(index: Index, arguments: argparse.Namespace) -> int:
    told = described(index)
    print(json.dumps(told, ensure_ascii=False) if arguments.json else "\n".join(_lines(told)))
    return 0


def _lines(told: dict[str, Any]) -> list[str]:
    shape = told["shape"]
    here = told["path"] if "://" in told["path"] else os.path.relpath(told["path"])
    lines = [
        f"{here}: {told['documents']:,} documents, {shape['ngram']} {shape['shingles']} a shingle, "
        f"{shape['bands']} bands of {shape['rows_per_band']}",
    ]
    for segment in told["segments"]:
        gone = f", {segment['forgotten']:,} forgotten" if segment["forgotten"] else ""
        lines.append(
            f"  segment {segment['name'][:12]}  {segment['documents']:>13,} documents{gone}, "
            f"{format_size(segment['bytes'])}"
            + (f", of which shingles {format_size(segment['shingle_bytes'])}" * told["shingles"])
        )
        lines += [f"    {run['name']} ({run['block']})" for run in segment["runs"]]
    several = len(told["segments"]) > 1
    if several or any(segment["forgotten"] for segment in told["segments"]):
        lines.append(f"  `winnow index compact {here}` makes this one segment")
    return lines
