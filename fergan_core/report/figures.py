"""Charts as SVG: drawn by matplotlib, which is imported only here, with text that stays text.

The colours of ink and grid are the page's own (CSS variables), so that one drawing serves light, dark and paper.
"""

import html
import io
import re
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from fergan_core.colours import run_colour
from fergan_core.report.contents import Chart, Line

DASHES = ("", "6 2", "2 2", "8 2 2 2")  # of a line, by its place: told apart without colours too

# Units of the drawing, by whether it is a small one: its sides, and the place of marks and titles left of the axes and
# below. They are fixed, since to have them measured takes as long as the drawing.
_SIDES = {False: (400, 230), True: (200, 150)}
_PLACE = {False: (50, 38), True: (36, 31)}
_TITLE = 15  # more on the left for the title of the y axis
_RIGHT = {False: 22, True: 12}  # half of a long number
_FONT = {False: 11, True: 9.5}
_ROUND = [1, 2, 2.5, 5, 10]  # steps between marks of an axis, times a power of ten
_FEW_DECADES = 200  # ratio of the ends of a logarithmic axis up to which it has marks between powers of ten
# Colours that no line has, each of which becomes one of the page's.
_INK, _GRID = "#010203", "#040506"
_VARIABLES = {_INK: "var(--ink)", _GRID: "var(--grid)"}

_SETTINGS = {
    "svg.fonttype": "none",  # letters and not their outlines
    "text.parse_math": False,  # a name with dollar signs is a name
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _GRID,
    "axes.grid": True,
    "axes.formatter.useoffset": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _GRID,
    "grid.linewidth": 0.8,
    "xtick.color": _GRID,
    "ytick.color": _GRID,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
}
# matplotlib's settings are the process's, and the dashboard draws for several readers at once.
_ONE_AT_A_TIME = threading.Lock()


def drawn(chart: Chart, number: int, *, small: bool = False) -> str:
    """Return a chart as an `<svg>` element for an HTML page; `number` tells it from the page's other charts."""
    import matplotlib
    from matplotlib.figure import Figure

    width, height = _SIDES[small]
    settings: Any = _SETTINGS | {"font.size": _FONT[small], "svg.hashsalt": f"chart {number}"}
    with _ONE_AT_A_TIME, matplotlib.rc_context(settings):
        figure = Figure(figsize=(width / 72, height / 72))
        figure.patch.set_visible(False)
        left, below = _PLACE[small]
        left += _TITLE if chart.y else 0
        axes = figure.add_axes(
            (left / width, below / height, (width - left - _RIGHT[small]) / width, (height - below - 8) / height)
        )
        axes.patch.set_visible(False)
        for line in chart.lines:
            _draw_line(axes, line, marked=chart.marked, thin=small)
        for value in chart.real:
            axes.axhline(value, color=_INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_xlabel(chart.x)
        axes.set_ylabel(chart.y)
        axes.margins(x=0.02)
        _format_axes(axes, chart, small=small)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _for_a_page(file.getvalue(), chart, number)


def dashes_of(place: int) -> str:
    """Return the dashes of the line at a place, as SVG's stroke-dasharray."""
    return DASHES[place % len(DASHES)]


def _draw_line(axes: Any, line: Line, *, marked: bool, thin: bool) -> None:
    colour = run_colour(line.place)
    dashes = dashes_of(line.place)
    style: Any = (0, tuple(map(float, dashes.split()))) if dashes else "solid"
    known = np.isfinite(line.low) & np.isfinite(line.high)
    if known.any():
        axes.fill_between(line.x, line.low, line.high, where=known, color=colour, alpha=0.18, linewidth=0)
    marker = "o" if marked else None
    # Dashes are in widths of the line.
    axes.plot(
        line.x, line.y, color=colour, linewidth=1.2 if thin else 1.5, linestyle=style, marker=marker, markersize=3
    )


def _format_axes(axes: Any, chart: Chart, *, small: bool) -> None:
    """Write numbers as people do: thousands apart, shares in percent, powers of ten in full."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, PercentFormatter

    plain = FuncFormatter(lambda value, _: f"{value:,.10g}")
    few = 4 if small else 6
    axes.xaxis.set_major_locator(MaxNLocator(few, integer=True, steps=_ROUND))
    axes.xaxis.set_major_formatter(plain)
    if chart.scale == "log":
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < _FEW_DECADES * low else (1,), numticks=6))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(plain)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(few, steps=_ROUND))
        axes.yaxis.set_major_formatter(plain)
    if chart.span is not None:
        axes.set_ylim(chart.span)
    if chart.share:
        low, high = axes.get_ylim()
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if high - low > 0.05 else 1))
    axes.tick_params(length=0)


def _for_a_page(text: str, chart: Chart, number: int) -> str:
    """Return matplotlib's file as an element: as wide as its place, with a name, in the page's font and colours."""
    svg = text[text.index("<svg") :]
    body = svg[svg.index(">") + 1 :]
    view_box = re.search(r'viewBox="[^"]*"', svg)
    assert view_box is not None
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)  # which would be the whole page's
    body = re.sub(r'<g id="[\w.]+_\d+"', "<g", body)  # names that all of a page's drawings would share
    body = re.sub(r"\s*\n\s*", " ", body)
    body = re.sub(r"""(font: [\d.]+px) [^";]*""", r"\1 var(--sans)", body)
    # A hundredth of a unit is not seen, and a third of the size; what is written on the axes keeps its digits.
    body = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    name = f'<title id="chart-{number}">{html.escape(chart.alt)}</title>'
    return f'<svg role="img" aria-labelledby="chart-{number}" {view_box.group()}>{name}{body}'


def names_in(charts: Sequence[Chart]) -> dict[str, int]:
    """Return the names of the charts' lines with their places, each once: what a legend has to explain."""
    return {line.name: line.place for chart in charts for line in chart.lines}
