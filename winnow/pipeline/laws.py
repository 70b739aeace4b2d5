"""The laws that every stage keeps, each with a check that finds the text that breaks it.

They are why a run's bytes cannot depend on batch size, order, workers or retries.
``tests/contract`` checks them for everything registered, ``winnow check`` for a filter of your
own::

    for outcome in try_all(Trial(stage, awkward.batch_for(stage))):
        print(outcome.law.name, outcome.violations or "ok")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from winnow.errors import MissingExtra
from winnow.pipeline.law_checks import (
    check_copied,
    check_declared,
    check_empty,
    check_finite,
    check_history,
    check_input,
    check_measures,
    check_neighbours,
    check_order,
    check_range,
    check_reads,
    check_repeat,
    check_rows,
    check_schema,
    check_total,
)
from winnow.pipeline.trial import Trial, Violation, shown

Check = Callable[[Trial], Iterator[Violation]]


@dataclass(frozen=True)
class Law:
    """One law: ``check`` yields what breaks it, nothing where it holds."""

    name: str
    statement: str
    """What holds, in one line."""
    remedy: str
    """What is wrong with most stages that break it."""
    check: Check
    needs: tuple[str, ...] = ()
    """Laws without which this one says nothing new."""

    def violations(self, trial: Trial) -> list[Violation]:
        """All that breaks it on ``trial``; an exception of the stage is a violation too."""
        try:
            return list(self.check(trial))
        except MissingExtra:
            raise
        except Exception as error:
            return [Violation(f"It failed: {shown(error)}")]


@dataclass(frozen=True)
class Outcome:
    """A law tried on a stage: kept, broken (``violations``), or not tried (``because`` another
    that it needs is broken)."""

    law: Law
    violations: tuple[Violation, ...] = ()
    because: str | None = None


def try_all(trial: Trial) -> Iterator[Outcome]:
    """Every law in order; one whose need is broken is not tried, and none but the first where no
    document came through at all."""
    cause: dict[str, str] = {}  # law → the broken one that it, or what it needs, comes down to
    for law in LAWS:
        because = next((cause[name] for name in law.needs if name in cause), None)
        if "total" in cause and not trial.sound:
            because = "total"
        outcome = Outcome(law, () if because else tuple(law.violations(trial)), because)
        if because or outcome.violations:
            cause[law.name] = because or law.name
        yield outcome


_STATE = (
    "It draws random numbers, reads a clock, or remembers documents. To sample, hash the url or "
    "the text; keep nothing in global variables."
)

LAWS: tuple[Law, ...] = (
    Law(
        "declared",
        "it says what it is called and what it requires, and that is installed",
        "Install what is missing.",
        check_declared,
    ),
    Law(
        "total",
        "it takes any text: empty, blank, broken Unicode, a megabyte without spaces",
        "Crawls hold such texts. Give an answer for each: 0 for a text without words, say.",
        check_total,
    ),
    Law(
        "empty",
        "a batch of no documents gives no documents, with the same columns",
        "Return as many numbers as there are rows, also for none.",
        check_empty,
    ),
    Law(
        "schema",
        "it adds the columns that it declares, of these types",
        "`output_schema` must say what the function does.",
        check_schema,
    ),
    Law(
        "input",
        "it does not modify what it is given",
        "Copy before you write: numpy.array(column) makes an array of your own.",
        check_input,
    ),
    Law(
        "rows",
        "it keeps every document, in its place, and changes no column but its own",
        "A filter measures and a bound rejects. One that replaces the text says `rewrites`.",
        check_rows,
        ("input",),
    ),
    Law(
        "repeat",
        "called twice on the same documents, it says the same",
        _STATE,
        check_repeat,
    ),
    Law(
        "history",
        "what it has seen before does not change what it says",
        _STATE,
        check_history,
        ("repeat",),
    ),
    Law(
        "neighbours",
        "what it says of a document does not depend on the documents beside it",
        "It uses a mean, a rank, a row number or a count over the batch; how documents come to be "
        "in one batch is chance.",
        check_neighbours,
        ("empty", "repeat", "history"),
    ),
    Law(
        "order",
        "documents in another order get the same answers",
        "It uses the row number, or what came before.",
        check_order,
        ("repeat", "neighbours"),
    ),
    Law(
        "reads",
        "it reads no column but those that it names",
        "Name the column in `reads`: the plan gives it no other.",
        check_reads,
        ("repeat",),
    ),
    Law(
        "finite",
        "its numbers are finite; null, where it may say nothing, is not NaN",
        "A division by 0, a logarithm of 0, an empty mean.",
        check_finite,
    ),
    Law(
        "range",
        "its numbers lie in the range that it declares or its name promises (_share: 0 to 1)",
        "Give it another name, or mend the arithmetic.",
        check_range,
    ),
    Law(
        "measures",
        "its measures are numbers or labels under new names, and its bounds can judge them",
        "Rename the measure.",
        check_measures,
        ("schema",),
    ),
    Law(
        "copy",
        "a pickled copy is equal, has the same fingerprint and does the same",
        "It must be a frozen dataclass of numbers, strings and tuples.",
        check_copied,
        ("repeat",),
    ),
)

LAW = {law.name: law for law in LAWS}
