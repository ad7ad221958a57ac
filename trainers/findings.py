"""`fergan findings`: look once more for what went wrong in runs, by the detectors as they are now."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from trainers.console import console, print_table
from trainers.runs_commands import open_registry, print_json


def look_again(runs: Sequence[str], *, registry: str | None, json: bool) -> None:
    """Look again in each run's points and scores, record what was found in place of what was, and print it."""
    from fergan_core.experiment import detect_findings

    target = open_registry(registry)
    reader = target.reader
    shown, told = console(), {}
    for run_id in [reader.resolve(run, trashed="never") for run in runs]:
        detect_findings(target, run_id)
        found = reader.findings([run_id])
        told[run_id] = found.drop(columns="run_id").to_dict("records")
        if json:
            continue
        name = escape(reader.run(run_id)["name"])
        table = Table(title=name)
        for column in ("epoch", "severity", "kind", "what"):
            table.add_column(column, justify="right" if column == "epoch" else "left")
        for row in told[run_id]:
            table.add_row(str(row["epoch"]), row["severity"], row["kind"], row["sentence"])
        if len(found):
            print_table(table, shown)
        else:
            shown.print(f"{name}: nothing was found")
    if json:
        print_json(told)
