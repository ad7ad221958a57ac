"""All that the pages read: the registry's tables and files, cached until the registry's next write.

Nothing is written here, except what a person enters on a page, through `registry()`.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from importlib import resources
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from dashboard import access, open_datasets
from dashboard.face_client import Drawing, FaceAnswer, FaceClient, Faces
from dashboard.open_datasets import OpenDataset, Place, is_there
from fergan_core.analysis.claims import SCORES, STUDIES, Study, Verdict, verdicts
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import CheckpointError, DataError
from fergan_core.protocols import judges_for
from fergan_core.registry import (
    Reader,
    Registry,
    Trials,
    default_url,
    run_list,
    studies,
    studies_of,
    summaries,
    trials,
)
from fergan_core.registry.queries import current_status
from fergan_core.registry.study_tables import study_tables

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
def scores(source: Reader, run_ids: Sequence[str]) -> pd.DataFrame:
    """Return the runs' scores."""
    return source.scores(run_ids)


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


def dataset_places() -> dict[str, Place]:
    """Return where datasets were found to lie in this session, by content hash: a registry holds no faces."""
    places: dict[str, Place] = st.session_state.setdefault("where datasets lie", {})
    return places


def remember_place(opened: OpenDataset) -> None:
    """Remember for the session where a dataset lies."""
    dataset_places()[opened.dataset.content_hash] = opened.place


def place_of(recorded: Mapping[str, Any]) -> Place | None:
    """Return where the dataset of runs lies: where this session found it, else where they found it; None if it is at
    neither place now. `recorded` is what a run recorded of it, or an entry of `recorded_datasets`."""
    known = dataset_places().get(str(recorded["content_hash"]))
    if known is not None and is_there(known.path):
        return known
    for path in recorded.get("sources", [recorded["source"]]):
        if is_there(path):
            return Place(path, recorded.get("label_order"))
    return None


def located(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run recorded of its dataset, with the place at which it lies now."""
    place = place_of(recorded)
    if place is None:
        return dict(recorded)
    order = {} if place.label_order is None else {"label_order": place.label_order}
    return {**recorded, "source": place.path, **order}


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


def steps_per_epoch(run_id: str) -> float:
    """Return how many steps an epoch of a run has."""
    record = run(run_id)
    steps, epochs = int(record["steps"]), int(record["epochs"])
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


class DrawingRequest(NamedTuple):
    """Faces to draw from a run's checkpoint: `each` of every code, of the same latents; by the recipe's sampling (None)
    or another: sampler, steps, guidance."""

    run_id: str
    step: int
    codes: tuple[int, ...]
    each: int
    seed: int
    sampling: tuple[str, int, float] | None = None


def drawing(request: DrawingRequest, *, anew: bool = False) -> Drawing:
    """Return the faces of a request as they are being drawn, uint8 [codes * each,48,48] when they are done.

    The same request is drawn once; `anew` draws again one that has failed or was cancelled.
    """
    weights = _weights(request.run_id, request.step)
    if anew and _drawing(request, weights).faces is None and _drawing(request, weights).ended():
        _drawing.clear(request, weights)
    return _drawing(request, weights)


# A drawing has at most 350 faces of 2.3 KB each.
@st.cache_resource(max_entries=64, show_spinner=False)
def _drawing(request: DrawingRequest, weights: tuple[str, str]) -> Drawing:
    """Start drawing; `weights` are path and hash, since a resumed run rewrites its checkpoints."""
    source, client = reader(), _face_client()
    recipe, file = source.run(request.run_id)["recipe"], source.file(weights[0])
    labels = [code for code in request.codes for _ in range(request.each)]
    names = ("sampler", "steps", "guidance")
    sampling = None if request.sampling is None else dict(zip(names, request.sampling, strict=True))
    others = {"each": request.each, "sampling": sampling}
    return Drawing(lambda drawing: client.ask("draw", recipe, file, labels, request.seed, drawing, **others))


def warm_faces(run_id: str, step: int) -> None:
    """Start the process that draws faces, and open a checkpoint in it, while the person reads."""
    _opened(run_id, _weights(run_id, step))


# The process ends when nobody has asked for ten minutes.
@st.cache_resource(max_entries=64, ttl=300, show_spinner=False)
def _opened(run_id: str, weights: tuple[str, str]) -> Drawing:
    source, client = reader(), _face_client()
    recipe, file = source.run(run_id)["recipe"], source.file(weights[0])
    code = EMOTIONS.index(emotions_of(recipe)[0])
    return Drawing(lambda drawing: client.ask("open", recipe, file, [code], 0, drawing))


def emotions_of(recipe: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the emotions of which a run's faces can be drawn here: those of its recipe that are of the seven."""
    trained = recipe.get("emotions") or EMOTIONS
    return tuple(name for name in trained if name in EMOTIONS) or EMOTIONS


def path(run_id: str, code: int, seed: int, frames: int) -> tuple[Faces, Faces]:
    """Return a few faces of an emotion at some steps of the sampler, from a run's last checkpoint, and the network's
    estimates of the final faces in them: both uint8 [faces,frames,48,48]."""
    weights = _weights(run_id, int(checkpoints(run_id)["step"].max()))
    answer = _ask("path", run_id, weights, (code,) * _PATHS, seed, frames=frames)
    states, denoised = answer.faces.reshape(2, _PATHS, -1, 48, 48)
    return states, denoised


def read(run_id: str, step: int, labels: tuple[int, ...], seed: int, truncation: float, judge: str) -> FaceAnswer:
    """Draw one face per label and let a judge read them: `facts` has the judge's `probabilities`, lists [n,7], and
    `judge_sha256`."""
    return _ask("read", run_id, _weights(run_id, step), labels, seed, truncation=truncation, judge=judge)


def nearest(run_id: str, step: int, labels: tuple[int, ...], seed: int, judge: str | None) -> FaceAnswer:
    """Draw one face per label and find its nearest training faces, the face that is nearest to one first.

    The judge None is that of the data. `faces` has each face and behind it its neighbours; `facts` has their number
    `neighbours`, the lists `asked` [n], `labels` [n,neighbours], `ratio` [n] and `nearer` [n] as in
    fergan_core.evaluation.memorization, and `judge`, `judge_sha256`.
    """
    return _ask("nearest", run_id, _weights(run_id, step), labels, seed, judge=judge)


def project(run_id: str, step: int, labels: tuple[int, ...], seed: int) -> FaceAnswer:
    """Draw one face per label and place them among real faces, in the judge's features; find duplicates among them.

    `facts` has `real`, faces that the run did not learn from, 300 an emotion or fewer, and `drawn`, each with lists
    `at` [n,2] in the plane in which the real faces vary most, `labels` [n] and `reads` [n], what the `judge` reads;
    `shares` [2] of the real faces' variance along the axes; `twins`, a dict an emotion: `label`, `faces`, and their
    `pairs` and `share` of duplicates as in fergan_core.metrics.birthday, `real_faces` and `real_share` (of real faces,
    no more than were drawn; None where there are not two). `faces` has the two of each of the 12 nearest pairs or
    fewer, `nearest` their `labels` and `distances`, 0 to 1 in units of the distance below which two faces are
    duplicates.
    """
    return _ask("project", run_id, _weights(run_id, step), labels, seed)


def real_faces(recorded: Mapping[str, Any], emotions: Sequence[str], count: int) -> dict[str, Faces] | None:
    """Return training faces uint8 [count,48,48] by emotion, always the same, of the dataset that a run recorded; None
    while it is being read. synthfer's are drawn anew, which is done at once.

    Raises DataError where the dataset is not at hand, or is another one.
    """
    place = place_of(recorded)
    if place is None:
        raise DataError(
            f"the run was trained on '{recorded['source']}', which is not here, and a registry keeps no real faces; "
            "open it on the page Data to see them"
        )
    known = tuple(name for name in emotions if name in EMOTIONS)
    if place.path == "synthfer":
        return _synthetic_faces(known, count)
    opened = open_datasets.opened(place, patience=0.0)
    if opened is None:
        return None
    dataset = opened.dataset
    if dataset.content_hash != recorded["content_hash"]:
        raise DataError(f"'{place.path}' holds other faces than the run was trained on")
    faces = {}
    for name in known:
        code = EMOTIONS.index(name)
        training = np.flatnonzero((dataset.labels == code) & (dataset.splits == 0))
        faces[name] = dataset.images[np.random.default_rng(code).permutation(training)[:count]]
    return faces


@st.cache_data(max_entries=8, show_spinner=False)
def _synthetic_faces(emotions: tuple[str, ...], count: int) -> dict[str, Faces]:
    from fergan_core.data.synthfer import synthfer  # its table of people is drawn at the import

    drawn = synthfer(counts={"train": dict.fromkeys(emotions, count)})
    return {name: drawn.images[drawn.labels == EMOTIONS.index(name)] for name in emotions}


@st.cache_data(max_entries=512, show_spinner=False)
def read_faces(content_hash: str, judge: str, faces: tuple[int, ...], _opened: OpenDataset) -> npt.NDArray[np.float32]:
    """Return the probabilities that a judge gives labelled faces of a dataset, by their places in it: float32 [n,7]."""
    dataset = _opened.dataset
    recorded = {
        "source": _opened.place.path, "content_hash": content_hash, "label_order": _opened.place.label_order
    }  # fmt: skip
    labels = dataset.labels[list(faces)].tolist()
    answer = _face_client().ask("judge", {}, Path(), labels, 0, dataset=recorded, judge=judge, faces=list(faces))
    return np.asarray(answer.facts["probabilities"], np.float32)


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


# An answer has at most a few thousand faces of 2.3 KB each.
@st.cache_data(max_entries=128, show_spinner=False)
def _ask(
    kind: str, run_id: str, weights: tuple[str, str], labels: tuple[int, ...], seed: int, **others: Any
) -> FaceAnswer:
    """Ask the face worker about a run's faces; `weights` are path and hash, since a resumed run rewrites its
    checkpoints."""
    source = reader()
    record = source.run(run_id)
    return _face_client().ask(
        kind, record["recipe"], source.file(weights[0]), labels, seed, dataset=located(record["dataset"]), **others
    )


@st.cache_resource(show_spinner=False)
def _face_client() -> FaceClient:
    return FaceClient()
