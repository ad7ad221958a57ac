"""Choosing runs on a page; the choice lives in the address (?run=ID, ?runs=ID,ID) and follows from page to page."""

import functools
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal

import pandas as pd
import streamlit as st

from dashboard import access, data, face_data
from dashboard.charts.palette import RUN_COLOURS, run_colour
from dashboard.components import window_follower
from dashboard.rows import rows_of
from fergan_core import protocols
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import FerganError
from fergan_core.metrics.catalogue import CATALOGUE
from fergan_core.recipe import OWN_SCRIPT

# Session state beside the widgets' own keys: those are forgotten when the page is left.
_CHOSEN = "runs chosen"
_FOCUS = "run in focus"
_OPENED = "run opened"
_TITLE = "page title"
_TOGETHER = "all together"
BadgeColour = Literal["red", "orange", "blue", "green", "violet", "gray"]
STATUS_COLOURS: dict[str, BadgeColour] = {
    "running": "blue",
    "finished": "green",
    "interrupted": "orange",
    "crashed": "red",
    "diverged": "red",
    "failed": "red",
}
NO_CHECKPOINT = (
    "No checkpoint here: a run writes one every `--checkpoint-every` epochs, and a showcase leaves out those of the "
    "runs that it keeps in brief."
)
NO_OWN_SCORE = (
    "No score: FerGAN cannot draw from a script's own network; `fergan evaluate --images FILE.npz` scores faces that "
    "the script has drawn."
)
OWN_NETWORK = (
    "FerGAN cannot draw from the checkpoints of a script's own network: it knows the weights, but not how they work "
    "together. What the script draws itself it can record by `fergan_core.sheet`."
)
# How often a live page reads the registry anew.
LIVE_SECONDS = 5


def plain(text: str) -> str:
    """Escape Markdown, so that other people's text reads as it was written."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!$~:<>|&])", r"\\\1", text)


def sentence(text: str) -> str:
    """Escape Markdown in one of FerGAN's own sentences, in which commands stand between backticks: those stay code."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(part if place % 2 else plain(part) for place, part in enumerate(parts))


def fragment(show: Callable[..., None], run_every: float | None = None) -> Callable[..., None]:
    """Return `show` as a fragment that shows FerGAN's errors as a sentence: they never reach the page's own handler."""

    @functools.wraps(show)
    def guarded(*arguments: object) -> None:
        try:
            show(*arguments)
        except FerganError as error:
            st.error(sentence(str(error)))

    return st.fragment(guarded, run_every=run_every)


def when(seconds: float) -> str:
    """Write a time of the registry, in seconds since 1970, as date and minute in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def dark() -> bool:
    """Tell whether the page is shown in the dark theme."""
    return st.context.theme.type == "dark"


def part(*names: str) -> str:
    """Ask which part of a page to show; the address keeps it."""
    return st.segmented_control(
        "Part", names, default=names[0], required=True, key="part", bind="query-params", label_visibility="collapsed"
    )


def faces() -> str | None:
    """Ask for an emotion whose faces' scores to show, None for all faces together; the address keeps it."""
    chosen = st.selectbox("Faces", [_TOGETHER, *EMOTIONS], key="faces", bind="query-params", width=170)
    return None if chosen == _TOGETHER else chosen


def emotions_of(run_id: str) -> tuple[str, ...]:
    """Return the emotions of which a run's faces can be drawn here: those of its recipe that are of the seven."""
    return face_data.emotions_of(data.run(run_id)["recipe"])


def can_draw(run_id: str) -> bool:
    """Tell whether a run is of a method of FerGAN, by which its checkpoints draw faces; another script's are not."""
    return bool(data.run(run_id)["method"] != OWN_SCRIPT)


def any_trained(runs: pd.DataFrame) -> bool:
    """Tell whether the registry has a trained run; if it has none, say how to train one."""
    if (~runs.literature).any():
        return True
    st.info(
        "No run has been trained yet. This trains a first one, in about five minutes on two cores; it appears here by "
        "itself:"
    )
    st.code("python -m trainers.dcgan", language=None)
    st.write("To train on real faces, give it FER2013 in any of its published layouts:")
    st.code("python -m trainers.dcgan --data fer2013.csv --preset report-small", language=None, wrap_lines=True)
    fragment(_wait_for_a_run, run_every=LIVE_SECONDS)()
    return False


def _wait_for_a_run() -> None:
    if (~data.runs().literature).any():
        st.rerun()


def live_every(*statuses: str) -> int | None:
    """Return how many seconds to wait before reading runs of these statuses anew, None if none of them is running."""
    return LIVE_SECONDS if "running" in statuses else None


def live_unless_held(*statuses: str) -> int | None:
    """As `live_every`, with a switch: Streamlit forgets a chart's zoom when new points come."""
    every = live_every(*statuses)
    if every is None:
        return None
    return every if st.toggle("Live", True, help="New points reset the zoom: switch off to look closely.") else None


def run_label(runs: pd.DataFrame) -> Callable[[str], str]:
    """Return a function from a run's id to its name, with the id behind it where two runs share the name."""
    names = dict(zip(runs.id, runs.name, strict=True))
    shared = set(runs.name[runs.name.duplicated()])
    return lambda run_id: f"{names[run_id]} · {run_id}" if names[run_id] in shared else names[run_id]


def _warn_of_unknown(run_ids: Sequence[str], known_ids: Sequence[str]) -> None:
    """Name the runs of the address that are not here: otherwise the runs shown instead would be taken for them."""
    unknown = [run_id for run_id in run_ids if run_id and run_id not in known_ids]
    if not unknown:
        return
    runs = data.runs()
    trashed, literature = data.trashed(), set(runs.id[runs.literature])
    kinds: dict[str, list[str]] = {}
    for run_id in unknown:
        if run_id in trashed:
            words = "which the trash holds (`fergan runs restore ID` takes it out)"
        elif run_id in literature:
            words = "a result from the literature, of which this page has nothing to show"
        else:
            words = "which this registry does not hold"
        kinds.setdefault(words, []).append(f"'{run_id}'")
    for words, names in kinds.items():
        named = plain(f"The address names {', '.join(names)},")
        st.warning(f"{named} {words}. Choose from the list:")


def scored(run_ids: Collection[str], *, by_emotion: bool = True) -> pd.DataFrame | None:
    """Return the runs' scores, as `data.scores`; if there are none, say how to get some and return None."""
    scores = data.scores(tuple(run_ids), by_emotion=by_emotion)
    if scores.empty and len(run_ids) and not any(map(can_draw, run_ids)):
        st.info(NO_OWN_SCORE)
        return None
    if scores.empty:
        st.info(
            "No score yet: a run is evaluated every `--eval-every` epochs, or afterwards by `fergan evaluate RUN@all`."
        )
        return None
    return scores


def one_protocol(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of one protocol: ask for it if there are several, name it if there is only one."""
    by_words = protocols.by_words(scores)
    if len(by_words) == 1:
        (words,) = by_words
        st.caption(plain(f"Scores by {words}."))
    else:
        # By its rows and not its words: weights of one hash may bear two names.
        best = protocols.preferred(scores).index[0]
        first = next((place for place, rows in enumerate(by_words.values()) if best in rows.index), 0)
        words = st.selectbox("Judge and protocol", list(by_words), first, key="protocol", bind="query-params")
    return by_words[words]


def one_run(runs: pd.DataFrame, default: Sequence[str] = ()) -> str:
    """Ask for one run of the table (id, name, ...); opens at ?run=ID, else at the run that was chosen on this page or
    another, else at the first of `default`, the page's own order of what it can show.

    What a page opened by itself is not a choice: the next page may open at another run.
    """
    ids = list(runs.id)
    requested = st.query_params.get("run", "")
    _warn_of_unknown([requested], ids)
    if requested in ids and requested != st.session_state.get(_OPENED):
        focus_on(requested)
    chosen_runs = st.session_state.get(_CHOSEN, [])
    wished = [st.session_state.get(_FOCUS), *chosen_runs, requested, *default, ids[0]]
    st.session_state["chosen run"] = next(run_id for run_id in wished if run_id in ids)

    def follow() -> None:
        focus_on(st.session_state["chosen run"])
        st.query_params["run"] = st.session_state["chosen run"]

    chosen: str = st.selectbox("Run", ids, format_func=run_label(runs), key="chosen run", on_change=follow)
    st.query_params["run"] = st.session_state[_OPENED] = chosen
    _name_tab([run_label(runs)(chosen)])
    return chosen


def focus_on(run_id: str) -> None:
    """Make a run the one that pages of one run open at; unless it is among the chosen runs, it is then the only one."""
    st.session_state[_FOCUS] = run_id
    if run_id not in st.session_state.get(_CHOSEN, []):
        st.session_state[_CHOSEN] = [run_id]


def in_focus() -> str | None:
    """Return the run that pages of one run open at, if one was chosen."""
    run_id: str | None = st.session_state.get(_FOCUS)
    return run_id


def choose_runs(run_ids: Sequence[str]) -> None:
    """Make these the runs that pages of several runs open at."""
    st.session_state[_CHOSEN] = list(run_ids)
    if st.session_state.get(_FOCUS) not in run_ids:
        st.session_state[_FOCUS] = run_ids[0] if run_ids else None


def chosen_runs() -> list[str]:
    """Return the ids of the runs that were chosen, on whatever page; none where a page opened by itself."""
    return list(st.session_state.get(_CHOSEN, []))


def several_runs(runs: pd.DataFrame, default: Sequence[str], label: str = "Runs", at: str = "runs") -> list[str]:
    """Ask for runs of the table; opens at ?runs=ID,ID, else at the runs that were chosen on this page or another, else
    at `default`.

    `at` names the choice in the address, where a page has another one than that of the runs to compare.
    """
    ids, state = list(runs.id), st.session_state
    requested = st.query_params.get(at, "").split(",")
    _warn_of_unknown(requested, ids)
    chosen_at, opened, key = _CHOSEN if at == "runs" else f"{at} chosen", f"{at} opened", f"chosen {at}"
    known = [run_id for run_id in dict.fromkeys(requested) if run_id in ids]

    def choose(run_ids: Sequence[str]) -> None:
        if at == "runs":
            choose_runs(run_ids)
        else:
            state[chosen_at] = list(run_ids)

    if at in st.query_params and known != state.get(opened):
        choose(known)
    kept = [run_id for run_id in state.get(chosen_at, ()) if run_id in ids]
    # Chosen runs of which this page can show none, such as the literature's, do not leave it empty.
    state[key] = kept if kept or (chosen_at in state and at in st.query_params) else list(default)

    def follow() -> None:
        choose(state[key])
        st.query_params[at] = ",".join(state[key])

    name = run_label(runs)
    chosen = st.multiselect(label, ids, format_func=name, key=key, on_change=follow)
    state[opened] = chosen
    st.query_params[at] = ",".join(chosen)
    if at == "runs":
        _name_tab([name(run_id) for run_id in chosen])
    return chosen


def colours(run_ids: Sequence[str]) -> dict[str, str]:
    """Return a colour for each run: the same on all pages of a session, never twice among eight runs or fewer."""
    remembered: dict[str, int] = st.session_state.setdefault("colours of runs", {})
    used: list[int] = []
    for run_id in run_ids:
        place = remembered.get(run_id)
        if place is None or place in used:
            free = [one for one in range(len(RUN_COLOURS)) if one not in used]
            # Rather one that no run of this session has yet.
            place = next((one for one in free if one not in remembered.values()), free[0] if free else len(used))
        remembered[run_id] = place
        used.append(place)
    return {run_id: run_colour(remembered[run_id]) for run_id in run_ids}


def open_page(page: str, run_ids: Sequence[str] = (), **others: str) -> None:
    """Go to a page, such as "run", with these runs chosen, and with further parameters in its address."""
    if len(run_ids) == 1:
        focus_on(run_ids[0])
    elif run_ids:
        choose_runs(run_ids)
    st.switch_page(f"views/{page}.py", query_params=others)


def page_link(page: str, name: str, **parameters: str) -> None:
    """A link that bears a run's name and leads to a page, such as "run", at these parameters of its address."""
    label = f"**{plain(name)}**"
    st.page_link(f"views/{page}.py", label=label, icon=":material/arrow_forward:", query_params=parameters)


def heading(title: str, answers: str) -> None:
    """Begin a page: its title, and one sentence that says what it answers."""
    access.stop_outside_home()
    st.session_state[_TITLE] = title
    _name_tab()
    st.title(title, anchor=False)
    st.caption(answers)


def _name_tab(names: Sequence[str] = ()) -> None:
    """Name the browser's tab after the page and the runs that it shows."""
    shown = ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
    title = " - ".join(filter(None, [shown, st.session_state.get(_TITLE, ""), "FerGAN"]))
    st.set_page_config(page_title=title)


def measure_help(key: str) -> str:
    """Say what a metric of the catalogue measures and which way is better, for the '?' beside it."""
    metric = CATALOGUE[key]
    better = {"higher": "Higher is better", "lower": "Lower is better", "real": "Best is real faces' value"}
    return f"{metric.meaning[0].upper()}{metric.meaning[1:]}. {better[metric.better]}."


def measures_help(keys: Iterable[str]) -> str:
    """Say of several metrics what each measures, for the '?' of a list of them."""
    return "\n\n".join(f"**{plain(CATALOGUE[key].title)}**: {plain(measure_help(key))}" for key in keys)


def checkpoint_steps(run_id: str) -> dict[int, int]:
    """Return the steps of a run's checkpoints by epoch, in their order; say so where there are none."""
    saved = data.checkpoints(run_id)
    if saved.empty:
        st.info(NO_CHECKPOINT)
    return {int(row.epoch): int(row.step) for row in rows_of(saved.sort_values("step"))}


def names_width(names: Iterable[str]) -> int:
    """Return the px of a table's column of runs in which the longest name can be read to its end, within bounds.

    On a telephone it leaves place for a column beside it.
    """
    return min(150 if window_follower.narrow() else 420, max([120, *(24 + 7 * len(name) for name in names)]))


def column_width(title: str) -> int:
    """Return the px of a table's column in which a title is not cut off."""
    return max(95, 24 + 7 * len(title))
