"""The command line. Parsing only: each command's module is imported when the command runs, so
``winnow --help`` imports neither pyarrow, nor ray, nor torch.

Exit codes: 0 success, 1 the run failed, 2 you asked for something impossible.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from winnow import __version__
from winnow.commands.index_arguments import add_arguments as add_index_arguments
from winnow.errors import WinnowError

EPILOG = """\
start here:
  winnow run configs/demo.toml          curate the crawl that ships with the project
  winnow status out/demo                what happened to every page
  winnow train configs/train/demo.toml  train on the result
docs: docs/ in the repository; every command has --help
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line, as argparse sees it."""
    main = argparse.ArgumentParser(
        prog="winnow",
        description="From raw Common Crawl to a trained language model.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    main.add_argument("--version", action="version", version=f"winnow {__version__}")
    commands = main.add_subparsers(dest="command", metavar="COMMAND", required=True)

    plan = _add(commands, "plan", "what a config would run, step by step; no data is touched")
    _config_arguments(plan)

    run = _add(commands, "run", "run what is missing of a config")
    _config_arguments(run)
    run.add_argument("--executor", choices=("local", "ray"), help="where; overrides the config")
    run.add_argument("--workers", type=int, metavar="N", help="tasks at a time; default: cores")
    run.add_argument("--quiet", action="store_true", help="no progress, no funnel; errors only")

    status = _add(commands, "status", "the funnel of a run: pages to tokens, by reason")
    _run_argument(status)
    status.add_argument(
        "--costs",
        action="store_true",
        help="bytes that deduplication wrote, beside what the plan expected",
    )

    peek = _add(commands, "peek", "read some documents of a run")
    _run_argument(peek)
    which = peek.add_mutually_exclusive_group()
    which.add_argument("--kept", action="store_true", help="only documents that were kept")
    which.add_argument(
        "--rejected",
        nargs="?",
        const="",
        metavar="REASON",
        help="only rejected ones, for REASON (a measure's name) if given",
    )
    peek.add_argument(
        "--verdicts", metavar="NAME", help="by verdicts that `whatif --apply NAME` has written"
    )
    peek.add_argument("--url", help="only URLs that contain this")
    peek.add_argument("-n", type=int, default=5, metavar="N", help="how many (5)")
    peek.add_argument("--chars", type=int, default=400, metavar="N", help="of each text (400)")
    peek.add_argument("--seed", type=int, default=0, help="another seed, other documents")

    explain = _add(commands, "explain", "why one page was kept or dropped: its whole story")
    _run_argument(explain)
    explain.add_argument("url", metavar="URL")
    explain.add_argument("--text", action="store_true", help="the text too, as the filters left it")
    explain.add_argument("--diff", action="store_true", help="which lines the filters have dropped")

    whatif = _add(commands, "whatif", "what would change if a bound did, without running anything")
    _run_argument(whatif)
    whatif.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="MEASURE.min=N",
        help="a changed bound (also .max, or MEASURE=off); may be repeated",
    )
    whatif.add_argument(
        "--recipe", metavar="NAME", help="judge by a recipe (its name, or a .toml) instead"
    )
    whatif.add_argument(
        "--apply", metavar="NAME", help="write the new verdicts as RUN/applied/NAME"
    )

    similar = _add(commands, "similar", "documents of a run that are similar to one, or to a text")
    _run_argument(similar)
    similar.add_argument("url", nargs="?", metavar="URL", help="a document of the run")
    similar.add_argument("--text", metavar="FILE", help="any text instead (- is standard input)")
    similar.add_argument("--language", metavar="CODE", help="of --text, ISO 639-1 (English)")
    similar.add_argument("--block", metavar="NAME", help="which minhash of the run (the last)")
    similar.add_argument("-n", type=int, default=10, metavar="N", help="how many at most (10)")
    similar.add_argument(
        "--min-similarity", type=float, default=0.0, metavar="J", help="Jaccard, 0 to 1 (0)"
    )

    clusters = _add(commands, "clusters", "the largest clusters of duplicates, side by side")
    _run_argument(clusters)
    clusters.add_argument("--block", metavar="NAME", help="which deduplication (the last)")
    one = clusters.add_mutually_exclusive_group()
    one.add_argument("--url", help="the cluster of this document")
    one.add_argument("--cluster", type=int, metavar="ID", help="the cluster of this id")
    clusters.add_argument("-n", type=int, default=5, metavar="N", help="how many clusters (5)")
    clusters.add_argument(
        "--members", type=int, default=2, metavar="N", help="shown of each, besides who stayed (2)"
    )
    clusters.add_argument(
        "--context", type=int, default=1, metavar="N", help="equal lines around others (1)"
    )
    clusters.add_argument("--html", metavar="FILE", help="write a page instead")

    index = commands.add_parser(
        "index",
        help="what earlier runs kept, for new runs to be deduplicated against",
        description="What earlier runs kept, for new runs to be deduplicated against.",
    )
    add_index_arguments(index)

    compare = _add(commands, "compare", "which documents each of several verdicts keeps")
    _run_argument(compare)
    compare.add_argument(
        "names",
        nargs="+",
        metavar="VERDICTS",
        help="two or more of: run (the run's own), a recipe, a name given to whatif --apply",
    )
    compare.add_argument("-n", type=int, default=3, metavar="N", help="examples of each kind (3)")

    tune = _add(commands, "tune", "propose bounds: for a wanted yield, for labels, per language")
    _run_argument(tune)
    tune.add_argument("--recipe", metavar="NAME", help="start from a recipe, not the run's bounds")
    tune.add_argument(
        "--keep-share", type=float, metavar="SHARE", help="of the run's documents, above 0, to 1"
    )
    tune.add_argument(
        "--labels", metavar="FILE.csv", help="columns url and label (good or bad): best F1"
    )
    tune.add_argument(
        "--per-language",
        nargs="?",
        const="mean_std",
        choices=("mean_std", "quantile", "tail_10", "median_ratio"),
        metavar="METHOD",
        help="bounds for each language from its own distribution: mean_std (default), quantile, "
        "tail_10, median_ratio; language_prob by FineWeb-2's median and deviation",
    )
    tune.add_argument("--measures", metavar="A,B,…", help="tune these only; default: all bounds")
    tune.add_argument(
        "--reference", default="en", metavar="LANGUAGE", help="whose bounds are right (en)"
    )
    tune.add_argument(
        "--min-documents", type=int, default=100, metavar="N", help="of a language, or none (100)"
    )
    tune.add_argument("--output", metavar="RECIPE.toml", help="write the result as a recipe")

    verify = _add(commands, "verify", "hash every shard of a run, or of one store, again")
    verify.add_argument("path", metavar="RUN_OR_STORE")

    stages = _add(commands, "stages", "every stage, what it reads and writes")
    stages.add_argument("name", nargs="?", help="one stage, in full")
    stages.add_argument("--measures", action="store_true", help="every measure of every filter")
    stages.add_argument("--markdown", action="store_true", help="with --measures: docs/measures.md")

    recipes = _add(commands, "recipes", "the recipes that come with winnow")
    recipes.add_argument("name", nargs="?", help="one in full, all bounds resolved (or a .toml)")

    check = _add(
        commands, "check", "whether a filter, yours too, keeps the laws; if not, on what text"
    )
    check.add_argument(
        "use", metavar="MODULE:FUNCTION", help="or a built-in stage, or datatrove:Class"
    )
    _set_argument(check)
    check.add_argument(
        "--input",
        metavar="FILE",
        help="documents of yours to try it on as well: .parquet or .jsonl with a column 'text', or "
        ".txt, a document a line",
    )

    quality = commands.add_parser("quality", help="quality models", description="Quality models.")
    inner = quality.add_subparsers(dest="quality_command", metavar="COMMAND", required=True)
    train = _add(inner, "train", "a fastText quality model from good and bad documents")
    train.set_defaults(command="quality train")
    for side in ("positive", "negative"):
        train.add_argument(
            f"--{side}",
            nargs="+",
            required=True,
            metavar="PATH",
            help="runs or stores of documents (kept ones; PATH:rejected or PATH:all for others), "
            ".txt (a document a line), .jsonl (key 'text'; .gz, .zst), .parquet (column 'text')",
        )
    train.add_argument(
        "--output", required=True, metavar="MODEL.bin", help="MODEL.card.json and .md come beside"
    )
    train.add_argument("--dim", type=int, default=64, help="size of the word vectors (64)")
    train.add_argument("--epochs", type=int, default=5, help="times over the documents (5)")
    train.add_argument("--word-ngrams", type=int, default=2, help="longest run of words (2)")
    train.add_argument("--lr", type=float, default=0.1, help="learning rate at the start (0.1)")
    train.add_argument(
        "--max-documents", type=int, default=200_000, help="at most so many of each side (200000)"
    )
    train.add_argument("--seed", type=int, default=0, help="another seed, other documents (0)")
    train.add_argument(
        "--compress-rows",
        type=int,
        default=0,
        metavar="N",
        help="write a compressed model (.ftz) of the N rows that matter most",
    )
    train.add_argument("--licence", default="", help="of the model, for its card")
    train.add_argument("--about", default="", help="what the model is for, for its card")

    training = _add(commands, "train", "train a model on a tokens store")
    training.add_argument("config", metavar="CONFIG.toml")
    _set_argument(training)
    training.add_argument(
        "--resume", choices=("auto", "never"), default="auto", help="go on where it stopped (auto)"
    )
    training.add_argument(
        "--sample",
        nargs="*",
        action="extend",
        metavar="PROMPT",
        default=None,
        help="write some text with the trained model, going on from each PROMPT",
    )

    training.add_argument(
        "--init",
        metavar="FOLDER",
        help="begin from a model in Hugging Face's layout (as `winnow export` writes it)",
    )

    sample = _add(commands, "sample", "text from a trained model, going on from each PROMPT")
    _checkpoint_argument(sample)
    sample.add_argument("prompts", nargs="*", metavar="PROMPT", help="default: The")
    sample.add_argument("--max-tokens", type=int, default=100, metavar="N", help="at most (100)")
    sample.add_argument(
        "--temperature", type=float, default=0.8, metavar="T", help="0: the likeliest token (0.8)"
    )
    sample.add_argument("--top-k", type=int, default=50, metavar="K", help="0: all tokens (50)")
    sample.add_argument("--seed", type=int, default=0, help="another seed, another text (0)")

    evaluation = _add(commands, "eval", "bits per byte of a trained model on unseen token stores")
    _checkpoint_argument(evaluation)
    evaluation.add_argument(
        "--tokens", nargs="+", default=[], metavar="STORE", help="token stores (the corpus's own)"
    )
    evaluation.add_argument(
        "--split", choices=("train", "validation"), default="validation", help="(validation)"
    )
    evaluation.add_argument(
        "--max-tokens", type=int, default=1_000_000, metavar="N", help="of a store (1000000)"
    )

    trace = _add(commands, "trace", "the web pages that a training step read, or a page's steps")
    _checkpoint_argument(trace)
    trace.add_argument("--step", type=int, metavar="N", help="what step N read (1 is the first)")
    trace.add_argument("--row", type=int, metavar="N", help="of it, one packed sample (from 0)")
    trace.add_argument("--url", help="which steps read this page")
    trace.add_argument("--doc-id", type=int, metavar="ID", help="the same by document id")

    export = _add(commands, "export", "a trained model as a folder that transformers loads")
    _checkpoint_argument(export)
    export.add_argument("output", metavar="FOLDER", help="a new folder")
    export.add_argument(
        "--dtype", choices=("float32", "bfloat16", "float16"), default="float32", help="of weights"
    )

    _add(commands, "doctor", "what this machine has, and what is missing, for which command")
    return main


def _add(commands: argparse._SubParsersAction, name: str, help: str) -> argparse.ArgumentParser:  # type: ignore[type-arg]
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=help[0].upper() + help[1:] + "."
    )
    command.add_argument("--json", action="store_true", help="for programs: JSON on stdout")
    return command


def _config_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("config", metavar="CONFIG.toml")
    _set_argument(command)


def _set_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help="override a key of the config; may be repeated",
    )


def _checkpoint_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "checkpoint", metavar="CHECKPOINT", help="checkpoint.folder of a training, or a step of it"
    )


def _run_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument("run", metavar="RUN", help="output folder of a run")


_MODULES = {
    "plan": "winnow.commands.plan",
    "run": "winnow.commands.run",
    "status": "winnow.commands.status",
    "peek": "winnow.commands.peek",
    "explain": "winnow.commands.explain",
    "whatif": "winnow.commands.whatif",
    "similar": "winnow.commands.similar",
    "clusters": "winnow.commands.clusters",
    "index": "winnow.commands.index",
    "compare": "winnow.commands.compare",
    "tune": "winnow.commands.tune",
    "verify": "winnow.commands.verify",
    "stages": "winnow.commands.stages",
    "recipes": "winnow.commands.recipes",
    "check": "winnow.commands.check",
    "quality train": "winnow.commands.quality",
    "train": "winnow.commands.training",
    "sample": "winnow.commands.sample",
    "eval": "winnow.commands.evaluation",
    "trace": "winnow.commands.provenance",
    "export": "winnow.commands.export",
    "doctor": "winnow.commands.doctor",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parsed = parser().parse_args(arguments)
    try:
        code: int = import_module(_MODULES[parsed.command]).main(parsed)
        return code
    except WinnowError as error:
        return _report(error, parsed)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `winnow peek … | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _report(error: WinnowError, parsed: argparse.Namespace) -> int:
    if getattr(parsed, "json", False):
        details = {"error": type(error).__name__, "message": error.message, "remedy": error.remedy}
        print(json.dumps(details, ensure_ascii=False))
    else:
        print(f"winnow {parsed.command}: {error}", file=sys.stderr)
    return error.exit_code
