"""What a person chooses of curves: x axis, smoothing, groups, scales and span; the address keeps all of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts.compare import field_text
from dashboard.charts.curves import MOST_COLOURS, MOST_SMALL, Axes, Spread
from fergan_core.analysis.comparison import group_by_recipe
from fergan_core.analysis.pace import Unit
from fergan_core.recipe import differences

UNITS: dict[Unit, str] = {"step": "Step", "epoch": "Epoch", "images": "Images seen", "seconds": "Seconds"}
HALF_LIVES = (0, 10, 30, 100, 300, 1_000, 3_000, 10_000)
EACH, SEEDS = "Nothing", "Recipe, seeds together"
SPREADS: dict[Spread, str] = {"extremes": "Lowest to highest run", "interval": "95 % interval of the mean"}
HIGHLIGHT, SMALL = "One chart", "Small charts"
SCALES = ("As usual", "Linear", "Logarithmic")
SPAN = ("from", "to")


@dataclass(frozen=True)
class Choices:
    """The choices of a page's curves; `span` is in the x axis's unit, None for an open end."""

    unit: Unit
    half_life: int = 0
    log_x: bool = False
    scale: str = SCALES[0]
    span: tuple[float | None, float | None] = (None, None)

    def axes(self, x: str, y: str, usual: str) -> Axes:
        """Return a chart's axes; `usual` is its y axis's scale where nothing else is asked for."""
        log_y = usual == "log" if self.scale == SCALES[0] else self.scale == SCALES[2]
        return Axes(x, y, self.log_x, log_y, self.span)


def ask(units: Sequence[Unit], first: Unit, *, smooth: bool = True) -> Choices:
    """Ask for all but the groups, in a row that the page has opened."""
    unit = st.selectbox(
        "x axis", units, units.index(first), format_func=UNITS.__getitem__, key="x", bind="query-params", width=135,
        on_change=all_of_it,
    )  # fmt: skip
    half_life = 0
    if smooth:
        half_life = st.selectbox(
            "Smoothing", HALF_LIVES, key="smoothing", bind="query-params", width=135,
            format_func=lambda steps: f"{steps:,} steps" if steps else "None",
            help="Exponential moving average: a point's weight halves every so many steps, and the weights sum to one "
            "from the first point on. The unsmoothed line stays, faint, and so does the band of lowest and highest "
            "values: no spike is hidden.",
        )  # fmt: skip
    with st.popover("Axes", icon=":material/straighten:"):
        scale = st.segmented_control(
            "y axis", SCALES, default=SCALES[0], required=True, key="y", bind="query-params",
            help="On a logarithmic axis what is 0 or below stands at its foot.",
        )  # fmt: skip
        log_x = st.toggle(
            "Logarithmic x axis", key="logx", bind="query-params", help="Leaves out what is at 0, which it cannot show."
        )
        low, high = (
            st.number_input(
                f"{UNITS[unit]} {end}", min_value=0.0, value=None, key=end, bind="query-params", format="%.6g",
                placeholder="all",
            )
            for end in SPAN
        )  # fmt: skip
    if low is not None and high is not None and high <= low:
        st.warning(f"From {low:g} to {high:g} is no span: all of it is shown instead.")
        low = high = None
    return Choices(unit, half_life, log_x, scale, (low, high))


def all_of_it() -> None:
    """Show all of the x axis again."""
    for end in SPAN:
        st.session_state[end] = None


def show_span(low: float, high: float) -> None:
    """Show a span of the x axis alone, its ends rounded to about a thousandth of it."""
    digits = max(0, 3 - len(str(int(high - low))))
    for end, value in zip(SPAN, (max(0.0, low), high), strict=True):
        st.session_state[end] = round(value, digits)


def ask_groups(runs: pd.DataFrame, recipes: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, list[str]], Spread]:
    """Ask for what the runs (columns id, name, preset, data, data_hash) are grouped by; return their ids by the group's
    name, none where each is drawn by itself, and the band's meaning.

    Offered are the recipe without its seed, and each field in which the runs differ.
    """
    described = {
        run_id: {**recipes.get(run_id, {}), "data": name} for run_id, name in zip(runs.id, runs.data, strict=True)
    }
    fields = differences(described)
    chosen = st.selectbox(
        "Group by", [EACH, SEEDS, *fields], key="group", bind="query-params", width=215,
        help="Draws the mean of each group's runs, with a band: of the seeds of one recipe, or of all runs that have "
        "the same value of a field.",
    )  # fmt: skip
    if chosen == EACH:
        return {}, "extremes"
    spread: Spread = st.segmented_control(
        "Band", list(SPREADS), default="extremes", required=True, format_func=SPREADS.__getitem__, key="band",
        bind="query-params", help="The interval is Student's, of the mean over the runs, and needs two of them.",
    )  # fmt: skip
    if chosen == SEEDS:
        return group_by_recipe(runs, recipes), spread
    groups: dict[str, list[str]] = {}
    for run_id in runs.id:
        has_it = run_id in fields[chosen]
        name = f"{chosen}={field_text(fields[chosen][run_id])}" if has_it else f"without {chosen}"
        groups.setdefault(name, []).append(run_id)
    return groups, spread


def ask_layout(names: Sequence[str]) -> tuple[bool, list[str]]:
    """Ask how to draw more curves than there are colours: whether as small charts, and if not, which have a colour."""
    if len(names) <= MOST_COLOURS:
        return False, []
    layout = st.segmented_control(
        f"{len(names)} curves", [HIGHLIGHT, SMALL], default=HIGHLIGHT, required=True, key="layout", bind="query-params",
        help=f"There are {MOST_COLOURS} colours that can be told from each other. In one chart the curves are grey, "
        "and one stands out under the mouse.",
    )  # fmt: skip
    if layout == SMALL:
        if len(names) > MOST_SMALL:
            st.caption(f"The first {MOST_SMALL} of {len(names)} are drawn: choose fewer, or group them.")
        return True, []
    pinned = st.multiselect(
        "In colour", names, key="colour", bind="query-params", max_selections=MOST_COLOURS, width=320,
        placeholder="None: point at a curve",
    )  # fmt: skip
    return False, pinned
