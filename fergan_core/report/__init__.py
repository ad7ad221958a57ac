"""Reports on runs: `report_of` gathers what there is to say, `written` writes it as HTML, Markdown or LaTeX.

The HTML is one file that needs no network: figures as SVG, faces as data, and no script but that which makes faces
where a generator is in it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

from fergan_core.browser import Network
from fergan_core.errors import UsageError
from fergan_core.registry import Reader
from fergan_core.report.citation import citation
from fergan_core.report.comparison import compared
from fergan_core.report.contents import Report
from fergan_core.report.run import run_part, when

Format = Literal["html", "md", "tex"]
FORMATS: tuple[Format, ...] = get_args(Format)

__all__ = ["FORMATS", "Format", "Report", "report_of", "written"]


def report_of(reader: Reader, run_ids: Sequence[str], generators: Mapping[str, Network] | None = None) -> Report:
    """Return a report on the runs, with a comparison where there are two or more; UsageError where there is none.

    `generators` are those with which a reader of the page makes faces, by the run's id. Raises NoRun for an id that no
    run has.
    """
    runs = {run_id: reader.run(run_id) for run_id in dict.fromkeys(run_ids)}
    if not runs:
        raise UsageError("name one or more runs, as in `fergan report RUN`; `fergan runs list` lists them")
    names = [str(run["name"]) for run in runs.values()]
    labels = {
        run_id: f"{name} · {run_id}" if names.count(name) > 1 else name
        for run_id, name in zip(runs, names, strict=True)
    }
    several = len(runs) > 1
    parts = tuple(
        replace(run_part(reader, run, few_pictures=several), generator=(generators or {}).get(run_id))
        for run_id, run in runs.items()
    )
    return Report(
        title=f"Comparison of {len(runs)} runs" if several else names[0],
        made=when(time.time()),
        runs=parts,
        comparison=compared(reader, runs, labels) if several else None,
        citation=citation(list(runs.values())),
    )


def written(report: Report, form: Format) -> str:
    """Return a report as a page of HTML, or its tables as Markdown or LaTeX."""
    # Each of them imports what the others need not.
    if form == "md":
        from fergan_core.report.markdown import as_markdown

        return as_markdown(report)
    if form == "tex":
        from fergan_core.report.latex import as_latex

        return as_latex(report)
    from fergan_core.report.page import as_html

    return as_html(report)
