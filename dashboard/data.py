"""All that the pages read: the registry's tables and files, cached until the registry's next write.

Nothing is written here, except what a person enters on a page, through `registry()`.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from importlib import resources
from typing import Any, Concatenate, ParamSpec, TypeVar

import pandas as pd
import streamlit as st

from dashboard import access
from fergan_core.analysis.claims import SCORES, STUDIES, Study, Verdict, verdicts
from fergan_core.errors import CheckpointError
from fergan_core.protocols import judges_for
from fergan_core.rating import tables
from fergan_core.rating.results import Results, results
from fergan_core.rating.session import Item
from fergan_core.recipe import OWN_SCRIPT
from fergan_core.registry import (
    Reader,
    Registry,
    Trials,
    default_url,
    ratings,
    run_list,
    studies,
    studies_of,
    summaries,
    trials,
)
from fergan_core.registry.queries import current_status
from fergan_core.registry.study_tables import study_tables

# Texts as Python's own: to pick rows of a table, of which a page does much, Arrow copies all letters of each column.
pd.options.mode.string_storage = "python"

P = ParamSpec("P")
T = TypeVar("T")

# A hundred sheets of 40 KB a run, of a few runs.
_MOST_PICTURES = 1000
_PATHS = 3  # faces whose sampling path is shown


def url() -> str:
    """Return the registry that the dashboard shows: FERGAN_REGISTRY, or runs.db at the project's top level.

    All that a page shows is read through it, so a page that was started past Home goes no further than this.
    """
    access.stop_outside_home()
    return default_url()


def reader() -> Reader:
    """Open the registry for reading."""
    return Reader(url())


def registry() -> Registry:
    """Open the registry for writing what a person enters: a tag, a note."""
    return Registry(url())


def last_write() -> int:
    """Return a number that changes with every write to the registry."""
    return reader().last_write()


def left_out() -> dict[str, None]:
    """Return the sentences about rows that this page could not show, in the order in which they were met."""
    sentences: dict[str, None] = st.session_state.setdefault("rows left out", {})
    return sentences


def _note_left_out(answer: object) -> None:
    """Remember the reader's sentences about rows that it left out of a table, for the page to show."""
    if isinstance(answer, pd.DataFrame):
        left_out().update(dict.fromkeys(answer.attrs.get("left_out", ())))


def _until_next_write(most: int) -> Callable[[Callable[Concatenate[Reader, P], T]], Callable[P, T]]:
    """Turn a query of a Reader into a cached one without that argument, which keeps its `most` latest answers.

    An answer is valid for one registry until its next write: both are in the cache's key. Every caller gets a copy.
    """

    def decorate(query: Callable[Concatenate[Reader, P], T]) -> Callable[P, T]:
        def run_query(url: str, write: int, args: tuple[Any, ...], others: dict[str, Any]) -> T:
            return query(Reader(url), *args, **others)

        # Streamlit knows a function's cache by its module, name and source, which all queries would share.
        run_query.__qualname__ = query.__qualname__
        cached = st.cache_data(max_entries=most, show_spinner=False)(run_query)

        @wraps(query)
        def ask(*args: P.args, **others: P.kwargs) -> T:
            answer: T = cached(url(), last_write(), args, others)
            _note_left_out(answer)
            return answer

        return ask

    return decorate


@_until_next_write(2)
def _all_runs(source: Reader) -> pd.DataFrame:
    return source.runs()


def runs() -> pd.DataFrame:
    """Return all runs, newest first, with their statuses as they are now: a crash shows by the clock, not by a write.

    Ended trials of studies, of which there are dozens, come after the others.
    """
    table = _all_runs()
    now = time.time()
    states = zip(table.status, table.heartbeat, strict=True)
    table["status"] = pd.Series(
        [current_status(*state, now) for state in states], table.index, dtype=table.status.dtype
    )
    trial = table.tags.map(studies_of).astype(bool)
    last = (trial & (table.status != "running")).sort_values(kind="stable")
    return table.loc[last.index].reset_index(drop=True)


@_until_next_write(2)
def trashed(source: Reader) -> set[str]:
    """Return the ids of the runs in the trash."""
    return set(source.runs(trashed=True).id)


@_until_next_write(64)
def _run(source: Reader, run_id: str) -> dict[str, Any]:
    return source.run(run_id)


def run(run_id: str) -> dict[str, Any]:
    """Return all about a run, as it stands now."""
    row = _run(run_id)
    return {**row, "status": current_status(row["status"], row["heartbeat"], time.time())}


@_until_next_write(64)
def metrics(source: Reader, run_ids: Sequence[str]) -> list[str]:
    """Return the scalars that any of the runs has points of."""
    return source.metrics(run_ids)


def has_probe(run_id: str) -> bool:
    """Tell whether a run has probe readings, without which no collapse can be found."""
    return any(name.startswith("pulse_") for name in metrics((run_id,)))


@_until_next_write(64)
def points(source: Reader, run_ids: Sequence[str], names: Sequence[str], buckets: int = 500) -> pd.DataFrame:
    """Return min/max buckets of the runs' points."""
    return source.points(run_ids, names, buckets=buckets)


@_until_next_write(64)
def points_at(
    source: Reader, run_ids: Sequence[str], names: Sequence[str], width: int, first: int | None, last: int | None
) -> pd.DataFrame:
    """Return points in stretches of `width` steps, the same for all runs, from step `first` to `last` (None: all)."""
    return source.points(run_ids, names, width=width, step_from=first, step_to=last)


@_until_next_write(64)
def widest_stretch(source: Reader, run_ids: Sequence[str], names: Sequence[str]) -> int:
    """Return how many steps a point of these runs stands for at the most: more than 1 where they were thinned."""
    return source.widest_stretch(run_ids, names)


@_until_next_write(64)
def scores(source: Reader, run_ids: Sequence[str], *, by_emotion: bool = True) -> pd.DataFrame:
    """Return the runs' scores; without `by_emotion` those of all emotions together alone."""
    return source.scores(run_ids, by_emotion=by_emotion)


@_until_next_write(64)
def sampled_scores(source: Reader, run_ids: Sequence[str]) -> pd.DataFrame:
    """Return the runs' scores by every sampler and number of steps, with these."""
    return source.scores(run_ids, sampled=True)


@_until_next_write(64)
def findings(source: Reader, run_ids: Sequence[str]) -> pd.DataFrame:
    """Return the runs' findings in order of steps."""
    return source.findings(run_ids)


@_until_next_write(16)
def claims(source: Reader, score: str) -> list[Verdict]:
    """Return the verdict on each claim by a score, one of `fergan_core.analysis.claims.SCORES`."""
    return verdicts({name: Study(*study_tables(source, name)) for name in STUDIES}, SCORES[score])


@_until_next_write(64)
def recipes(source: Reader, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the recipes of those of the runs that exist, by id."""
    return source.recipes(run_ids)


@_until_next_write(4)
def headlines(source: Reader) -> pd.DataFrame:
    """Return FID, accuracy and IS of each run's newest evaluation under its preferred protocol, all of one protocol."""
    return summaries.headlines(source)


@_until_next_write(4)
def preferred_evaluations(source: Reader, *, trashed: bool = False) -> pd.DataFrame:
    """Return each run's evaluations under its preferred protocol, in order of steps."""
    return summaries.preferred_evaluations(source, trashed=trashed)


def run_rows(run_ids: Sequence[str]) -> pd.DataFrame:
    """Return some runs as they stand now, as `fergan_core.registry.run_list.run_rows` does."""
    table = run_list.run_rows(reader(), run_ids)
    _note_left_out(table)
    return table


@_until_next_write(4)
def facets(source: Reader, *, trashed: bool = False) -> dict[str, list[str]]:
    """Return the presets, methods, data and tags that runs have."""
    return run_list.facets(source, trashed=trashed)


@_until_next_write(4)
def contents(source: Reader) -> pd.DataFrame:
    """Return by run (index) the numbers of its sheets, checkpoints, evaluations, findings and alarms."""
    return summaries.contents(source)


@_until_next_write(4)
def newest_findings(source: Reader) -> pd.DataFrame:
    """Return the gravest finding of the runs in which something was found last, the newest first."""
    return summaries.newest_findings(source)


def best_first(runs: pd.DataFrame, has: str | None = None) -> list[str]:
    """Return the ids of the trained runs that have something to show, the best first.

    `has` is a column of `contents`: at least one, of sheets preferably several. Runs on photographs come before those
    on the built-in faces, then the lower FID; those without a score come last, newest first.
    """
    trained = runs[~runs.literature].reset_index(drop=True)
    counts = contents()
    number = trained.id.map(counts[has]).fillna(0) if has else pd.Series(1, index=trained.index)
    scores = headlines()
    fid = scores[scores.metric == "fid"].set_index("run_id").value
    order = pd.DataFrame(
        {
            "few": (number < 2) if has == "sheets" else False,
            "drawn": trained.data.map(lambda name: judges_for(name)[0] == "synthfer"),
            "fid": trained.id.map(fid),
        }
    )
    return list(trained.id[order[number > 0].sort_values(["few", "drawn", "fid"], kind="stable").index])


@_until_next_write(4)
def recorded_datasets(source: Reader) -> list[dict[str, Any]]:
    """Return the datasets that the runs were trained on, those of most runs first, as `summaries.datasets` does."""
    return summaries.datasets(source)


@_until_next_write(2)
def study_names(source: Reader) -> list[str]:
    """Name the studies that have runs, the newest first."""
    return studies(source)


def study_trials(name: str) -> Trials:
    """Return a study's ended trials, as `fergan_core.registry.trials` does."""
    # A crash shows by the clock and not by a write, so the statuses are part of the key.
    return _trials(name, tuple(runs().status))


@_until_next_write(16)
def _trials(source: Reader, name: str, statuses: tuple[str, ...]) -> Trials:
    """Return a study's ended trials; `statuses` are part of the cache's key alone."""
    return trials(source, name)


def counts_steps(run: Mapping[str, Any]) -> bool:
    """Tell whether a run, or a row of `runs`, is of a script that counts steps and no epochs: each is a step then."""
    return bool(run["method"] == OWN_SCRIPT and run["epochs"] == run["steps"])


def how_far(run: Mapping[str, Any]) -> str:
    """Say how far a run, or a row of `runs`, has come: '3 of 8 epochs', of one that counts steps alone '500 steps'."""
    steps = f"{run['step']:,} step{'' if run['step'] == 1 else 's'}"
    return steps if counts_steps(run) else f"{run['epoch']} of {run['epochs']} epochs"


def steps_per_epoch(run: Mapping[str, Any]) -> float:
    """Return how many steps an epoch of a run has."""
    steps, epochs = int(run["steps"]), int(run["epochs"])
    return max(1.0, steps / max(1, epochs))


@_until_next_write(64)
def sheets(source: Reader, run_id: str) -> pd.DataFrame:
    """Return the run's sheets in order."""
    return source.sheets(run_id)


@_until_next_write(64)
def checkpoints(source: Reader, run_id: str) -> pd.DataFrame:
    """Return the run's checkpoints in order."""
    return source.checkpoints(run_id)


@st.cache_data(max_entries=_MOST_PICTURES, show_spinner=False)
def sheet_bytes(path: str, sha256: str) -> bytes:
    """Return a sheet's picture; its hash is the cache's key, so that a sheet drawn again is read again."""
    file = reader().file(path)
    try:
        return file.read_bytes()
    except OSError:
        raise CheckpointError("its file is missing; `fergan runs verify` lists what is damaged") from None


@st.cache_data(max_entries=_MOST_PICTURES, show_spinner=False)
def small_sheet(path: str, sha256: str, _draw: Callable[[bytes], bytes], how: str = "") -> bytes:
    """Return `_draw(picture)` of a sheet, cached by the sheet and `how` it is drawn."""
    return _draw(reader().file(path).read_bytes())


@st.cache_data(max_entries=200, show_spinner=False)
def drawn(about: str, _draw: Callable[[], bytes]) -> bytes:
    """Return `_draw()`, a picture, cached by what `about` says of it: all that decides how it looks."""
    return _draw()


@_until_next_write(2)
def rating_studies(source: Reader) -> pd.DataFrame:
    """Return the studies in which people judge faces, the newest first, as `ratings.studies` does."""
    return ratings.studies(source)


@st.cache_data(max_entries=16, show_spinner=False)
def _rating_items(url: str, study_id: str) -> list[Item]:
    # A study's faces never change, and each answer is a write.
    return tables.session_items(tables.with_sources(ratings.items(Reader(url), study_id)))


def rating_items(study_id: str) -> list[Item]:
    """Return the faces of a rating study as `fergan_core.rating.session` needs them."""
    return _rating_items(url(), study_id)


@_until_next_write(4)
def rating_results(source: Reader, study_id: str) -> Results:
    """Return what people's answers to a study say, without those of simulated raters."""
    return results(source, study_id)


def judge_cards() -> dict[str, dict[str, Any]]:
    """Return the cards of the judges that come with the package, by name."""
    folder = resources.files("fergan_core.judges")
    cards = [json.loads(file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".json")]
    return {card["name"]: card for card in sorted(cards, key=lambda card: card["name"])}
