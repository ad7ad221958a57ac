"""What a person chooses of curves: x axis, smoothing, groups, scales and span; the address keeps all of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts.curve_figures import MOST_SMALL
from dashboard.charts.curves import MOST_COLOURS, Axes, Spread
from fergan_core.analysis.comparison import group_by_recipe
from fergan_core.analysis.pace import Unit
from fergan_core.analysis.settings import field_text
from fergan_core.recipe import NON_TRAINING_FIELDS, differences

UNITS: dict[Unit, str] = {"step": "Step", "epoch": "Epoch", "images": "Images seen", "seconds": "Seconds"}
HALF_LIVES = (0, 10, 30, 100, 300, 1_000, 3_000, 10_000)
EACH, SEEDS, FIELD = "Each run", "Seeds together", "Each value of a field"
SPREADS: dict[Spread, str] = {"extremes": "Lowest to highest run", "interval": "95 % interval of the mean"}
SPREAD_WORDS: dict[Spread, str] = {
    "extremes": "from the lowest run to the highest",
    "interval": "Student's 95 % interval of the mean",
}
HIGHLIGHT, SMALL = "One chart", "Small charts"
SCALES = ("As usual", "Linear", "Logarithmic")
SPAN = ("from", "to")
_MOST_FIELDS = 2  # that a group is named after


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
        st.warning(f"The span has to end after it begins ({low:g} to {high:g} does not), so everything is shown.")
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


def ask_groups(runs: pd.DataFrame, recipes: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Ask for what the runs (columns id, name, preset, data, data_hash) are grouped by; return their ids by the group's
    name, none where each is drawn by itself.

    Offered are the recipe without its seed, and each field in which the runs differ.
    """
    described = {
        run_id: {**recipes.get(run_id, {}), "data": name} for run_id, name in zip(runs.id, runs.data, strict=True)
    }
    chosen = st.segmented_control(
        "A line for", [EACH, SEEDS, FIELD], default=EACH, required=True, key="group", bind="query-params",
        help="Seeds together: the mean of the runs of one recipe, with a band over its seeds. A field: the mean of all "
        "runs that have the same value of it.",
    )  # fmt: skip
    if chosen == EACH:
        return {}
    if chosen == SEEDS:
        return _counted(seeds_together(runs, recipes))
    fields = differences(described)
    if not fields:
        st.caption("The chosen runs differ in no field.")
        return {}
    field = st.selectbox("Field", list(fields), key="field", bind="query-params", width=180)
    groups: dict[str, list[str]] = {}
    for run_id in runs.id:
        has_it = run_id in fields[field]
        name = f"{field}={field_text(fields[field][run_id])}" if has_it else f"without {field}"
        groups.setdefault(name, []).append(run_id)
    return _counted(groups)


def _counted(groups: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {f"{name} ({len(ids)} run{'s' if len(ids) > 1 else ''})": ids for name, ids in groups.items()}


def seeds_together(runs: pd.DataFrame, recipes: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Group runs of one recipe but for its seed, named after their preset and the fields in which those of one preset
    differ, where that is short."""
    groups = group_by_recipe(runs, recipes)
    presets = runs.set_index("id").preset
    named: dict[str, list[str]] = {}
    for name, run_ids in groups.items():
        preset = str(presets[run_ids[0]])
        rivals = {ids[0]: recipes[ids[0]] for ids in groups.values() if presets[ids[0]] == preset}
        values = {
            field: field_text(of_runs[run_ids[0]])
            for field, of_runs in differences(rivals).items()
            if field not in NON_TRAINING_FIELDS and run_ids[0] in of_runs
        }
        short = ", ".join([preset, *(f"{field}={value}" for field, value in values.items())])
        named[short if len(values) <= _MOST_FIELDS and short not in named else name] = run_ids
    return named


def ask_spread(groups: Mapping[str, Sequence[str]]) -> Spread:
    """Ask what the band of groups is, if there are any."""
    if not groups:
        return "extremes"
    spread: Spread = st.segmented_control(
        "Band", list(SPREADS), default="extremes", required=True, format_func=SPREADS.__getitem__, key="band",
        bind="query-params", help="The interval is Student's, of the mean over the runs, and needs two of them.",
    )  # fmt: skip
    return spread


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
    return False, ask_pinned(names)


def ask_pinned(names: Sequence[str]) -> list[str]:
    """Ask which of more curves than there are colours have one; none where all of them have."""
    if len(names) <= MOST_COLOURS:
        return []
    pinned: list[str] = st.multiselect(
        "In colour", names, key="colour", bind="query-params", max_selections=MOST_COLOURS, width=320,
        placeholder="None: point at a curve",
    )  # fmt: skip
    return pinned
