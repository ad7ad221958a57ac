"""`fergan findings`: detect again what went wrong in runs, by the present detectors."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from trainers.console import console, print_table
from trainers.runs_commands import open_registry, print_json


def look_again(runs: Sequence[str], *, registry: str | None, json: bool) -> None:
    """Detect each run's findings again in its points and scores, record them in place of the old ones, print them."""
    from fergan_core.experiment import detect_findings

    writer = open_registry(registry)
    reader = writer.reader
    output, findings_of_runs = console(), {}
    for run_id in [reader.resolve(run, trashed="never") for run in runs]:
        detect_findings(writer, run_id)
        findings = reader.findings([run_id])
        findings_of_runs[run_id] = findings.drop(columns="run_id").to_dict("records")
        if json:
            continue
        name = escape(reader.run(run_id)["name"])
        table = Table(title=name)
        for column in ("epoch", "severity", "kind", "finding"):
            table.add_column(column, justify="right" if column == "epoch" else "left")
        for row in findings_of_runs[run_id]:
            table.add_row(str(row["epoch"]), row["severity"], row["kind"], row["sentence"])
        if len(findings):
            print_table(table, output)
        else:
            output.print(f"{name}: no findings")
    if json:
        print_json(findings_of_runs)
