"""What steps are expected to cost, and what they have written: for ``plan`` and ``status``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from winnow.errors import StoreError
from winnow.pipeline.plan import Plan
from winnow.pipeline.run_folder import read_run
from winnow.pipeline.sizes import format_size
from winnow.pipeline.step import Step
from winnow.store.files import Folder
from winnow.store.manifest import Store


def cost_line(step: Step) -> str | None:
    """One line on a step's expected cost, or None where it has none."""
    if step.cost is None:
        return None
    return (
        f"expected: a task holds {format_size(step.cost.memory_bytes)}; "
        f"{format_size(step.cost.read_bytes)} read, {format_size(step.cost.written_bytes)} written"
    )


def total_lines(plan: Plan) -> list[str]:
    """The greatest task and the sums over all steps that have a cost; none: no line."""
    costs = [(step.cost, step.name) for step in plan.steps if step.cost is not None]
    if not costs:
        return []
    largest, name = max(((cost.memory_bytes, name) for cost, name in costs))
    read, written = (
        format_size(sum(getattr(cost, side) for cost, _ in costs))
        for side in ("read_bytes", "written_bytes")
    )
    return [
        "",
        f"deduplication, expected from the size of the input: {read} read, {written} written; "
        f"the largest task ({name}) holds {format_size(largest)}",
    ]


def notes(plan: Plan) -> dict[str, list[str]]:
    """What composites have to say of themselves, by the name of the block."""
    found = {}
    for entry in plan.config.stages:
        say = getattr(entry.stage, "plan_notes", None)
        if say is not None and (lines := list(say())):
            found[entry.name] = lines
    return found


@dataclass(frozen=True)
class Written:
    """A finished step's bytes beside those that its plan expected."""

    step: str
    expected_bytes: int
    written_bytes: int

    @property
    def ratio(self) -> float:
        """Written over expected; 1 where nothing was expected and nothing came."""
        if not self.expected_bytes:
            return 1.0 if not self.written_bytes else float("inf")
        return self.written_bytes / self.expected_bytes


def compare_costs(run: str) -> list[Written]:
    """Every finished step of the run in the folder ``run`` that had an expected cost."""
    folder = Folder(run)
    described = read_run(folder)
    if described is None:
        raise StoreError(
            f"{folder.path} holds no run of winnow",
            remedy="Give the output folder of a `winnow run`, e.g. out/demo.",
        )
    found = []
    for step in described["steps"]:
        cost = step.get("cost")
        if cost is None:
            continue
        try:
            store = Store.open(folder.subfolder(step["name"]))
        except StoreError:
            continue  # not finished yet
        if store.fingerprint == step["fingerprint"]:
            written = int(store.manifest["totals"]["bytes"])
            found.append(Written(step["name"], int(cost["written_bytes"]), written))
    return found


def compared_lines(found: list[Written]) -> list[str]:
    """The comparison as a table."""
    if not found:
        return ["no finished step of this run had an expected cost"]
    lines = [f"{'bytes written':<26}{'expected':>12}{'measured':>12}{'times':>8}"]
    for each in found:
        lines.append(
            f"  {each.step:<24}{format_size(each.expected_bytes):>12}"
            f"{format_size(each.written_bytes):>12}{each.ratio:>8.2f}"
        )
    signed = [each for each in found if each.step.endswith("-sign")]
    lines += [
        f"{each.step.removesuffix('-sign')}: {each.ratio:.2f} times the documents that the size of "
        "the input let expect; all behind goes with them"
        for each in signed
    ]
    return lines


def as_data(step: Step) -> dict[str, Any] | None:
    """A step's cost as plain data."""
    return None if step.cost is None else asdict(step.cost)
