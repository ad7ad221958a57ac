"""A report's tables as Markdown, as GitHub and pandoc read it."""

import re

from fergan_core.report.contents import Report, Table

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!$~<>|&])")


def as_markdown(report: Report) -> str:
    """Return a report's tables under their runs' names, what weakens the verdicts, and how to cite it."""
    parts = [f"# {escaped(report.title)}"]
    heading = ""
    for name, table in report.tables():
        if name != heading:
            parts.append(f"## {escaped(name)}")
            heading = name
        parts.append(_table(table))
    if report.comparison is not None and report.comparison.remarks:
        parts.append(
            "## Remarks on the comparison\n\n" + "\n".join(f"- {escaped(one)}" for one in report.comparison.remarks)
        )
    parts += ["## How to cite", escaped(report.citation.text), f"```bibtex\n{report.citation.bibtex}\n```"]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return other people's text so that it is read as it was written, in one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _table(table: Table) -> str:
    rules = ["---" if place < table.words else "---:" for place in range(len(table.columns))]
    lines = [_row([escaped(column) for column in table.columns]), _row(rules)]
    lines += [_row([escaped(cell) for cell in row]) for row in table.rows]
    note = f"\n\n{escaped(table.note)}" if table.note else ""
    return f"**{escaped(table.title)}**\n\n" + "\n".join(lines) + note


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
