"""What ``winnow index`` takes; parsing only, so that ``winnow --help`` imports nothing else."""

from __future__ import annotations

import argparse


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What `winnow index` takes, put into its parser."""
    inner = command.add_subparsers(dest="index_command", metavar="COMMAND", required=True)
    about = {
        "build": "an index of what runs kept; the runs may then be deleted",
        "add": "put further runs into an index; what is in it stays as it is",
        "compact": "make one segment of many; what was forgotten leaves the files",
        "forget": "takedown: documents leave the index at once (and its files with `compact`)",
        "show": "what is in an index",
    }
    parsers = {}
    for name, help in about.items():
        parsers[name] = inner.add_parser(name, help=help, description=help.capitalize() + ".")
        parsers[name].add_argument("index", metavar="INDEX", help="folder of the index")
        parsers[name].add_argument("--json", action="store_true", help="for programs")
    for name in ("build", "add"):
        parsers[name].add_argument(
            "runs", metavar="RUN", nargs="+",
            help="output folder of a run; RUN:BLOCK where it has several near-duplicate blocks",
        )  # fmt: skip
        parsers[name].add_argument(
            "--shingles", action="store_true",
            help="store every document's shingles (8 bytes each, 5 kB a page), with which "
            'verify = "jaccard" compares; `add` to such an index always does',
        )  # fmt: skip
    for name in ("build", "add", "compact"):
        parsers[name].add_argument(
            "--workers", type=int, metavar="N", help="tasks at a time; default: cores"
        )
    wanted = (
        ("--url", "urls", "URL", "as the index has it; may be repeated"),
        ("--domain", "domains", "HOST", "and all hosts below it; may be repeated"),
        ("--record-id", "record_ids", "ID", "WARC-Record-ID; may be repeated"),
    )
    for flag, dest, metavar, help in wanted:
        parsers["forget"].add_argument(
            flag, dest=dest, metavar=metavar, help=help, action="append", default=[]
        )
    parsers["forget"].add_argument(
        "--list", metavar="FILE", help="a line each: a URL, domain:HOST or record:ID"
    )
    parsers["show"].add_argument(
        "--id", type=int, metavar="N", help="which document a verdict's index_id is"
    )
