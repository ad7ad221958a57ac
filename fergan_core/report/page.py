"""A report as one page of HTML: all that it shows is in the file, and a policy keeps it from asking for more."""

import base64
import itertools
import json
import re
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from fergan_core import browser
from fergan_core.colours import run_colour
from fergan_core.report import figures
from fergan_core.report.citation import version
from fergan_core.report.contents import Chart, Picture, Report, RunPart


def as_html(report: Report) -> str:
    """Return a report as a page that needs no network, reads well on a telephone and on paper, light and dark."""
    # What other people wrote is escaped, since it is text; the drawings and the style are ours.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    numbers, tables = itertools.count(1), itertools.count(1)

    def drawn(chart: Chart, small: bool) -> Markup:
        return Markup(figures.drawn(chart, next(numbers), small=small))

    environment.filters.update(code=_code, data=_data, held=_held)
    environment.globals.update(
        drawn=drawn,
        next_table=lambda: next(tables),
        legend=_legend,
        shared_legend=_shared_legend,
        style=Markup(_part("report.css")),
        version=version(),
        drawing=_drawing() if any(run.generator for run in report.runs) else None,
        described=_described,
        in_base64=_in_base64,
    )
    return environment.from_string(_part("report.html.j2")).render(report=report).lstrip()


def _drawing() -> dict[str, Any]:
    """Return what draws faces in the page."""
    script = browser.script().encode()
    return {**browser.runtime()._asdict(), "script": script, "starts": Markup(_part("generator.js"))}


def _described(run: RunPart) -> str:
    """Return what generator.js has to know of a run's generator, as JSON."""
    generator = run.generator
    assert generator is not None
    about = {"emotions": generator.emotions, "shape": generator.shape, "normal": generator.normal}
    return json.dumps({"network": f"{run.run_id}-network", **about})


def _in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _part(name: str) -> str:
    return resources.files("fergan_core.report").joinpath(name).read_text("utf-8")


def _code(sentence: str) -> Markup:
    """Set the commands between a sentence's backticks as code."""
    parts = re.split(r"`([^`]+)`", sentence)
    return Markup().join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def _held(cell: str) -> str:
    """Keep what belongs together in one line: an interval, and a sign with its score."""
    return cell.replace(", ", ",\u00a0").replace("⚠ ", "⚠\u00a0")


def _data(picture: Picture) -> str:
    """Return a picture as an address that holds all of it."""
    return f"data:{picture.kind};base64,{_in_base64(picture.content)}"


def _legend(charts: tuple[Chart, ...]) -> list[dict[str, Any]]:
    """Return the charts' lines with colours and dashes; none where there is only one, which the title names."""
    names = figures.names_in(charts)
    if len(names) < 2:
        return []
    return [
        {"name": name, "colour": run_colour(place), "dashes": figures.dashes_of(place)} for name, place in names.items()
    ]


def _shared_legend(charts: tuple[Chart, ...]) -> list[dict[str, Any]]:
    """Return the legend of several charts of the same lines, such as runs; none where each has its own."""
    return _legend(charts) if len({frozenset(figures.names_in([chart])) for chart in charts}) == 1 else []
