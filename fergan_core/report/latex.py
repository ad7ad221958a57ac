"""A report's tables as LaTeX, with the rules of the package booktabs."""

import re

from fergan_core.report.contents import Report, Table

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{letter: f"\\{letter}" for letter in "{}$&#_%"},
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # which after the end of a row would be an argument
    "]": "{]}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "≈": r"$\approx$",
    "⚠": r"$^{\dagger}$",
    "–": "--",
    "·": r"$\cdot$",
    "\u00a0": "~",
}
_LETTERS = re.compile("|".join(map(re.escape, _SPECIAL)))


def as_latex(report: Report) -> str:
    """Return a report's tables, each a float with a caption; as comments what weakens the verdicts, and BibTeX."""
    parts = ["% \\usepackage{booktabs}"]
    parts += [_table(table, name) for name, table in report.tables()]
    remarks = () if report.comparison is None else report.comparison.remarks
    comments = [*remarks, *report.citation.bibtex.splitlines()]
    parts.append("\n".join(f"% {_in_one_line(line)}" for line in comments))
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return other people's text so that it is set as it was written, in one line."""
    return _LETTERS.sub(lambda match: _SPECIAL[match[0]], _in_one_line(text))


def _in_one_line(text: str) -> str:
    return re.sub(r"[\r\n\t\v\f\x85\u2028\u2029]+", " ", text)


def _table(table: Table, name: str) -> str:
    columns = "l" * table.words + "r" * (len(table.columns) - table.words)
    whose = f"{name}: {table.title}" if name else table.title
    caption = f"{whose}. {table.note}" if table.note else f"{whose}."
    lines = [
        r"\begin{table}",
        r"  \centering",
        f"  \\caption{{{escaped(caption)}}}",
        f"  \\begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        _row(table.columns),
        r"    \midrule",
        *map(_row, table.rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def _row(cells: tuple[str, ...]) -> str:
    return f"    {' & '.join(map(escaped, cells))} \\\\"
