"""All that the pages read: the registry's tables and files, cached until the registry's next write. Nothing writes here
but what a person does himself, through `registry()`."""

import json
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from dashboard.face_client import FaceAnswer, FaceClient
from fergan_core.analysis.claims import SCORES, STUDIES, Study, Verdict, verdicts
from fergan_core.errors import CheckpointError
from fergan_core.registry import Reader, Registry, Trials, default_url, studies, studies_of, trials
from fergan_core.registry.study_tables import study_tables

# A hundred sheets of 40 KB a run, of a few runs.
_MOST_PICTURES = 1000
_PATHS = 3  # faces whose way out of noise is shown


def url() -> str:
    """Return the registry that the dashboard shows: FERGAN_REGISTRY, or runs.db at the project's top level."""
    return default_url()


def reader() -> Reader:
    """Open the registry for reading."""
    return Reader(url())


def registry() -> Registry:
    """Open the registry for writing, for what a person has just asked for: a tag, a note."""
    return Registry(url())


def last_write() -> int:
    """Return a number that changes with every write to the registry."""
    return reader().last_write()


def left_out() -> dict[str, None]:
    """Return the sentences about rows that this page could not show, in the order of their finding."""
    found: dict[str, None] = st.session_state.setdefault("rows left out", {})
    return found


def _told(table: pd.DataFrame) -> pd.DataFrame:
    """Keep what the reader says of rows that it left out, for the page to show."""
    left_out().update(dict.fromkeys(table.attrs.get("left_out", ())))
    return table


def runs() -> pd.DataFrame:
    """Return all runs, newest first, as they stand now: whether one still lives is never cached.

    Ended trials of studies, of which there are dozens, come after the others.
    """
    table = _told(reader().runs())
    trial = table.tags.map(studies_of).astype(bool)
    last = (trial & (table.status != "running")).sort_values(kind="stable")
    return table.loc[last.index].reset_index(drop=True)


def trashed() -> set[str]:
    """Return the ids of the runs in the trash."""
    return set(reader().runs(trashed=True).id)


def run(run_id: str) -> dict[str, Any]:
    """Return all about a run, as it stands now."""
    return reader().run(run_id)


def metrics(run_ids: Sequence[str]) -> list[str]:
    """Return the scalars that any of the runs has points of."""
    return _metrics(url(), last_write(), tuple(run_ids))


def has_pulse(run_id: str) -> bool:
    """Tell whether a run's faces were read while it was trained, by which alone a collapse is found."""
    return any(name.startswith("pulse_") for name in metrics((run_id,)))


def points(run_ids: Sequence[str], names: Sequence[str], buckets: int = 500) -> pd.DataFrame:
    """Return min/max buckets of the runs' points."""
    return _told(_points(url(), last_write(), tuple(run_ids), tuple(names), buckets))


def scores(run_ids: Sequence[str]) -> pd.DataFrame:
    """Return the runs' scores."""
    return _told(_scores(url(), last_write(), tuple(run_ids)))


def sampled_scores(run_ids: Sequence[str]) -> pd.DataFrame:
    """Return the runs' scores of all ways of drawing, with the way."""
    return _told(_sampled_scores(url(), last_write(), tuple(run_ids)))


def findings(run_ids: Sequence[str]) -> pd.DataFrame:
    """Return the runs' findings in order of steps."""
    return _told(_findings(url(), last_write(), tuple(run_ids)))


def claims(score: str) -> list[Verdict]:
    """Return the verdict on each claim by a score, one of `fergan_core.analysis.claims.SCORES`."""
    return _claims(url(), last_write(), score)


def recipes(run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the recipes of those of the runs that there are, by id."""
    return _recipes(url(), last_write(), tuple(run_ids))


def study_names() -> list[str]:
    """Name the studies that have runs, the newest first."""
    return studies(reader())


def study_trials(name: str) -> Trials:
    """Return a study's ended trials, as `fergan_core.registry.trials` does."""
    # That a run has crashed is seen by the clock and not by a write.
    return _trials(url(), last_write(), tuple(runs().status), name)


def steps_per_epoch(run_id: str) -> float:
    """Return how many steps an epoch of a run has."""
    found = run(run_id)
    return max(1.0, found["steps"] / max(1, found["epochs"]))


def sheets(run_id: str) -> pd.DataFrame:
    """Return the run's sheets in order."""
    return _told(_sheets(url(), last_write(), run_id))


def checkpoints(run_id: str) -> pd.DataFrame:
    """Return the run's checkpoints in order."""
    return _told(_checkpoints(url(), last_write(), run_id))


@st.cache_data(max_entries=64, show_spinner=False)
def _metrics(url: str, write: int, run_ids: tuple[str, ...]) -> list[str]:
    del write  # part of the cache's key alone
    return Reader(url).metrics(run_ids)


@st.cache_data(max_entries=64, show_spinner=False)
def _points(url: str, write: int, run_ids: tuple[str, ...], names: tuple[str, ...], buckets: int) -> pd.DataFrame:
    del write  # part of the cache's key alone
    return Reader(url).points(run_ids, names, buckets=buckets)


@st.cache_data(max_entries=64, show_spinner=False)
def _scores(url: str, write: int, run_ids: tuple[str, ...]) -> pd.DataFrame:
    del write
    return Reader(url).scores(run_ids)


@st.cache_data(max_entries=64, show_spinner=False)
def _sampled_scores(url: str, write: int, run_ids: tuple[str, ...]) -> pd.DataFrame:
    del write
    return Reader(url).scores(run_ids, sampled=True)


@st.cache_data(max_entries=64, show_spinner=False)
def _findings(url: str, write: int, run_ids: tuple[str, ...]) -> pd.DataFrame:
    del write
    return Reader(url).findings(run_ids)


@st.cache_data(max_entries=16, show_spinner=False)
def _claims(url: str, write: int, score: str) -> list[Verdict]:
    del write
    source = Reader(url)
    return verdicts({name: Study(*study_tables(source, name)) for name in STUDIES}, SCORES[score])


@st.cache_data(max_entries=64, show_spinner=False)
def _recipes(url: str, write: int, run_ids: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    del write
    return Reader(url).recipes(run_ids)


@st.cache_data(max_entries=16, show_spinner=False)
def _trials(url: str, write: int, statuses: tuple[str, ...], name: str) -> Trials:
    del write, statuses
    return trials(Reader(url), name)


@st.cache_data(max_entries=64, show_spinner=False)
def _sheets(url: str, write: int, run_id: str) -> pd.DataFrame:
    del write
    return Reader(url).sheets(run_id)


@st.cache_data(max_entries=64, show_spinner=False)
def _checkpoints(url: str, write: int, run_id: str) -> pd.DataFrame:
    del write
    return Reader(url).checkpoints(run_id)


@st.cache_data(max_entries=_MOST_PICTURES, show_spinner=False)
def sheet_bytes(path: str, sha256: str) -> bytes:
    """Return a sheet's picture; its hash is the cache's key, so that a sheet drawn again is read again."""
    del sha256
    file = reader().file(path)
    try:
        return file.read_bytes()
    except OSError:
        raise CheckpointError(f"the sheet {path} is missing; `fergan runs verify` lists what is damaged") from None


@st.cache_data(max_entries=_MOST_PICTURES, show_spinner=False)
def small_sheet(path: str, sha256: str, _draw: Callable[[bytes], bytes]) -> bytes:
    """Return what `_draw` makes of a sheet's picture; made once a sheet, whatever `_draw` is."""
    return _draw(reader().file(path).read_bytes())


def generate(run_id: str, step: int, labels: tuple[int, ...], seed: int) -> npt.NDArray[np.uint8]:
    """Draw faces uint8 [n,48,48] from a checkpoint, labels being FER2013's codes."""
    return _faces(run_id, *_weights(run_id, step), labels, seed)


def path(run_id: str, code: int, seed: int, frames: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return a few faces of an emotion at some steps of the sampler, from a run's last checkpoint, and what the network
    saw in them: both uint8 [faces,frames,48,48]."""
    return _path(run_id, *_weights(run_id, int(checkpoints(run_id)["step"].max())), code, seed, frames)


def read(run_id: str, step: int, labels: tuple[int, ...], seed: int, truncation: float, judge: str) -> FaceAnswer:
    """Draw faces from a checkpoint and let a judge read them, as `FaceClient.read` returns them."""
    return _read(run_id, *_weights(run_id, step), labels, seed, truncation, judge)


def nearest(run_id: str, step: int, labels: tuple[int, ...], seed: int, judge: str | None) -> FaceAnswer:
    """Draw faces from a checkpoint beside their nearest training faces, as `FaceClient.nearest` returns them."""
    return _nearest(run_id, *_weights(run_id, step), labels, seed, judge)


def project(run_id: str, step: int, labels: tuple[int, ...], seed: int) -> FaceAnswer:
    """Draw faces from a checkpoint and lay them among real ones, as `FaceClient.project` returns them."""
    return _project(run_id, *_weights(run_id, step), labels, seed)


def judge_cards() -> dict[str, dict[str, Any]]:
    """Return the cards of the judges that come with the package, by name."""
    folder = resources.files("fergan_core.judges")
    cards = [json.loads(file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".json")]
    return {card["name"]: card for card in sorted(cards, key=lambda card: card["name"])}


def _weights(run_id: str, step: int) -> tuple[str, str]:
    """Return path and hash of the weights at a step; CheckpointError where there are none."""
    saved = checkpoints(run_id)
    saved = saved[saved["step"] == step]
    if saved.empty:
        raise CheckpointError(f"run {run_id} has no checkpoint at step {step}; choose another epoch")
    return saved["path"].iloc[0], saved["sha256"].iloc[0]


# The hash is part of the caches' keys alone: a resumed run writes its checkpoints anew.


@st.cache_data(max_entries=64, show_spinner=False)
def _faces(run_id: str, path: str, sha256: str, labels: tuple[int, ...], seed: int) -> npt.NDArray[np.uint8]:
    del sha256
    source = reader()
    return _face_client().draw(source.run(run_id)["recipe"], source.file(path), labels, seed)


@st.cache_data(max_entries=16, show_spinner=False)
def _path(
    run_id: str, path: str, sha256: str, code: int, seed: int, frames: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    del sha256
    source = reader()
    labels = (code,) * _PATHS
    found = _face_client().path(source.run(run_id)["recipe"], source.file(path), labels, seed, frames)
    states, seen = found.faces.reshape(2, _PATHS, -1, 48, 48)
    return states, seen


@st.cache_data(max_entries=16, show_spinner=False)
def _read(
    run_id: str, path: str, sha256: str, labels: tuple[int, ...], seed: int, truncation: float, judge: str
) -> FaceAnswer:
    del sha256
    source = reader()
    return _face_client().read(source.run(run_id)["recipe"], source.file(path), labels, seed, truncation, judge)


@st.cache_data(max_entries=16, show_spinner=False)
def _nearest(run_id: str, path: str, sha256: str, labels: tuple[int, ...], seed: int, judge: str | None) -> FaceAnswer:
    del sha256
    source = reader()
    run = source.run(run_id)
    return _face_client().nearest(run["recipe"], source.file(path), labels, seed, run["dataset"], judge)


@st.cache_data(max_entries=16, show_spinner=False)
def _project(run_id: str, path: str, sha256: str, labels: tuple[int, ...], seed: int) -> FaceAnswer:
    del sha256
    source = reader()
    run = source.run(run_id)
    return _face_client().project(run["recipe"], source.file(path), labels, seed, run["dataset"])


@st.cache_resource(show_spinner=False)
def _face_client() -> FaceClient:
    return FaceClient()
