"""The trainings that were started from the browser: how far each is, how to stop it, and what a failed one printed."""

import time
from collections.abc import Sequence

import streamlit as st

from dashboard import choose, data, launches
from dashboard.launches import Launch
from dashboard.sections import run_progress, train_command
from fergan_core.analysis.pace import duration
from fergan_core.errors import NoRun

_ENDED = 3  # of those that have ended the newest are shown
_LINES = 12  # of a failed training's log


def show() -> None:
    """What was started here, the living first and then the newest that have ended; nothing where nothing was."""
    started = launches.launches(data.url())
    living = [launch for launch in started if launch.lives()]
    ended = [launch for launch in started if launch not in living]
    every = choose.LIVE_SECONDS if living else None
    choose.fragment(show_trainings, run_every=every)([*living, *ended[:_ENDED]], len(living))


def warn_of_another() -> None:
    """Say that another training is under way, if there is one, and what a second one costs."""
    runs = data.runs()
    names = list(runs.name[runs.status == "running"])
    if names or any(launch.lives() for launch in launches.launches(data.url())):
        which = f" ({', '.join(names[:3])})" if names else ""
        st.warning(
            choose.plain(
                f"A training is under way{which}. Each uses all cores: two at once slow each other down several times "
                "over."
            )
        )


def show_trainings(started: Sequence[Launch], living: int) -> None:
    """Each training that was started here; the page is made anew once one of the `living` ones has ended."""
    if sum(launch.lives() for launch in started) < living:
        st.rerun()
    for launch in started:
        with st.container(border=True):
            if launch.lives():
                show_living(launch)
            else:
                show_ended(launch)


def show_living(launch: Launch) -> None:
    """A training that goes on: its run's progress once it has one, and a button that stops it."""
    run_id = launch.run_id()
    if run_id:
        run = data.run(run_id)
        choose.page_link("run", run["name"], run=run_id)
        if run["status"] == "running":
            run_progress.show(run)
        else:
            st.caption("It reads its data and its last checkpoint.")
    else:
        st.markdown(f"**Getting ready**, for {duration(max(0.0, time.time() - launch.started))}: it reads the data.")
        st.code(train_command.as_typed(launch.words), language=None, wrap_lines=True)
    stop_button(launch)


def show_ended(launch: Launch) -> None:
    """A training that has ended: its run and how that ended, and what it printed last where something went wrong."""
    run_id = launch.run_id()
    status = ""
    if run_id:
        try:
            run = data.run(run_id)
        except NoRun:
            st.caption(f"Its run {run_id} is not in the registry any more.")
            return
        status = run["status"]
        with st.container(horizontal=True, vertical_alignment="center"):
            choose.page_link("run", run["name"], run=run_id)
            st.badge(status, color=choose.STATUS_COLOURS.get(status, "gray"))
            st.caption(data.how_far(run))
    else:
        st.markdown("**Ended before its run began**")
        st.code(train_command.as_typed(launch.words), language=None, wrap_lines=True)
    if status not in ("finished", "interrupted") and not launch.stopped:
        st.markdown("What it printed last:")
        st.code("\n".join(launch.last_lines(_LINES)) or "nothing", language=None, wrap_lines=True)


def stop_button(launch: Launch) -> None:
    """A button that lets a training save and end; once it was pressed, a sentence."""
    if launch.stopped:
        st.info("Stopping: it finishes its step and saves.", icon=":material/hourglass_top:")
    elif st.button(
        "Stop",
        icon=":material/stop:",
        key=f"stop {launch.id}",
        help="As Ctrl-C does: it finishes its step and saves. The run can be resumed.",
    ):
        launches.stop(launch)
        st.rerun()
