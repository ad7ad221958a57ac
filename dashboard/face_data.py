"""What pages ask of the process that has torch: faces drawn from checkpoints, read by judges, set among real ones.

Answers are cached; what decides them, a checkpoint's hash among it, is the cache's key.
"""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import streamlit as st

from dashboard import data
from dashboard.dataset_places import located
from dashboard.face_client import Drawing, FaceAnswer, FaceClient, Faces
from dashboard.open_datasets import OpenDataset
from fergan_core.browser import Moves, Network, network_file
from fergan_core.data import cache
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import CheckpointError
from fergan_core.registry.derived import directions_path

_PATHS = 3  # faces whose sampling path is shown
FACES_OF_A_SEED = 24  # among which one face is chosen by its place
READING_SECONDS = 3.0  # from a server's first page on, which is painted then


class DrawingRequest(NamedTuple):
    """Faces to draw from a run's checkpoint: `each` of every code, of the same latents; by the recipe's sampling (None)
    or another: sampler, steps, guidance."""

    run_id: str
    step: int
    codes: tuple[int, ...]
    each: int
    seed: int
    sampling: tuple[str, int, float] | None = None


class Mixture(NamedTuple):
    """A face between two latents, by their places, and of mixed emotions: `blend` is the second's share, 0 to 1;
    `shares` are those of the emotions that the run learned, in their order: they sum to 1, and may lie beyond 0 and 1.
    """

    first: int
    second: int
    blend: float
    shares: tuple[float, ...]


class MixedRequest(NamedTuple):
    """Mixtures to draw from a run's checkpoint: of so many `latents` of a seed, all multiplied by `truncation`, above 0
    to 1; by the recipe's sampling (None) or another: sampler, steps, guidance."""

    run_id: str
    step: int
    latents: int
    seed: int
    truncation: float
    sampling: tuple[str, int, float] | None
    mixtures: tuple[Mixture, ...]


def drawing(request: DrawingRequest | MixedRequest, *, anew: bool = False) -> Drawing:
    """Return the faces of a request as they are being drawn, uint8 [n,48,48] when they are done: codes * each, or one a
    mixture.

    The same request is drawn once, whoever asks; `anew` draws again one that has failed or was cancelled.
    """
    weights = _weights(request.run_id, request.step)
    if anew and _drawing(request, weights).failed():
        _drawing.clear(request, weights)
    return _drawing(request, weights)


# A drawing has at most 350 faces of 2.3 KB each.
@st.cache_resource(max_entries=64, show_spinner=False)
def _drawing(request: DrawingRequest | MixedRequest, weights: tuple[str, str]) -> Drawing:
    """Start drawing; `weights` are path and hash, since a resumed run rewrites its checkpoints."""
    source, client = data.reader(), _face_client()
    recipe, file = source.run(request.run_id)["recipe"], source.file(weights[0])
    others: dict[str, Any]
    if isinstance(request, DrawingRequest):
        kind, labels = "draw", [code for code in request.codes for _ in range(request.each)]
        others = {"each": request.each}
    else:
        kind, labels = "mixed", [EMOTIONS.index(name) for name in emotions_of(recipe)]
        others = {"latents": request.latents, "truncation": request.truncation, "mixtures": request.mixtures}
    names = ("sampler", "steps", "guidance")
    others["sampling"] = None if request.sampling is None else dict(zip(names, request.sampling, strict=True))
    return Drawing(lambda drawing: client.ask(kind, recipe, file, labels, request.seed, drawing, **others))


@st.cache_resource(show_spinner=False)
def start_soon() -> None:
    """Start the process that draws faces, once a server, while a person reads the first page that it has shown."""
    starting = threading.Timer(READING_SECONDS, _face_client().start)
    starting.daemon = True
    starting.start()


def warm_faces(run_id: str, step: int) -> None:
    """Start the process that draws faces, and open a checkpoint in it, while the person reads."""
    _opened(run_id, _weights(run_id, step))


# The process ends when nobody has asked for ten minutes.
@st.cache_resource(max_entries=64, ttl=300, show_spinner=False)
def _opened(run_id: str, weights: tuple[str, str]) -> Drawing:
    source, client = data.reader(), _face_client()
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
    weights = _weights(run_id, int(data.checkpoints(run_id)["step"].max()))
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


def seen(run_id: str, step: int, code: int, seed: int, place: int, judges: tuple[str, ...], emotion: int) -> FaceAnswer:
    """Draw the face of an emotion at a place, 0 to 23, among the 24 of a seed, and say what judges see in it.

    `facts` has `readings`, each judge's seven probabilities by its name, and of the first one `evidence` and
    `evidence_of_grey` for the `emotion`, and each pixel's `shares` [48,48] in the difference between these two, as in
    fergan_core.exploring.saliency.
    """
    weights, others = _weights(run_id, step), {"judges": judges, "emotion": emotion}
    return _ask("seen", run_id, weights, (code,), seed, place=place, faces=FACES_OF_A_SEED, **others)


def nearest_to_one(run_id: str, step: int, code: int, seed: int, place: int) -> FaceAnswer:
    """Find the training faces nearest to the face that `seen` draws; the answer is that of `nearest` for one face."""
    weights = _weights(run_id, step)
    return _ask("nearest_to_one", run_id, weights, (code,), seed, place=place, faces=FACES_OF_A_SEED)


def transfer(run_id: str, step: int, face: Faces, emotion: int | None, guidance: float | None) -> Drawing:
    """Start to find a real face, uint8 [48,48], of an emotion (None: as the judge reads it) in a run's generator.

    `guidance` is that of a generator that draws in steps, there and back (None: its own).

    It is not cached, so that a person's picture stays in the session. `faces` are, when they are done, what the
    generator draws of it and the given face with each of the run's emotions; `facts` has the `emotion`, the `judge` and
    what it `reads_original` [7] and `reads` [emotions,7], `difference` and `candidate_difference`, the errors of
    fergan_core.exploring.inversion, and the `contrast` of the given face, its greys' standard deviation.
    """
    weights, source, client = _weights(run_id, step), data.reader(), _face_client()
    record, file, pixels = source.run(run_id), source.file(weights[0]), face.ravel().tolist()
    labels = [EMOTIONS.index(name) for name in emotions_of(record["recipe"])]
    others = {"face": pixels, "emotion": emotion, "guidance": guidance, "dataset": record["dataset"]}
    return Drawing(lambda drawing: client.ask("transfer", record["recipe"], file, labels, 0, drawing, **others))


def network(run_id: str, step: int) -> Network:
    """Return the network of a run's generator for a browser to draw with; CheckpointError where a face takes several
    passes of it. Its file is kept in the user's cache."""
    weights = _weights(run_id, step)
    folder, sha256 = cache.folder() / "generators", weights[1]
    code = EMOTIONS.index(emotions_of(data.run(run_id)["recipe"])[0])
    facts = _ask("network", run_id, weights, (code,), 0, sha256=sha256, folder=str(folder)).facts
    content = network_file(folder, sha256).read_bytes()
    return Network(sha256, content, tuple(facts["emotions"]), tuple(facts["shape"]), facts["normal"])


class Along(NamedTuple):
    """Directions of a run's checkpoint: learned ones by their file, or by closed form those of a space, `latents` or
    `norms`. `changed` is the file's time of writing."""

    run_id: str
    step: int
    space: str
    file: str | None = None
    changed: float = 0.0


def learned_directions(run_id: str, step: int) -> Along:
    """Return the directions learned from a checkpoint; where there are none yet, `changed` is 0."""
    file = data.reader().file(directions_path(run_id, _weights(run_id, step)[1]))
    return Along(run_id, step, "latents", str(file), file.stat().st_mtime if file.exists() else 0.0)


def along(directions: Along, code: int, count: int, seed: int, shifts: tuple[float, ...] = ()) -> FaceAnswer:
    """Draw faces of an emotion, moved by shifts along the first directions; `facts` has the number of `directions`."""
    return _ask_along("along", directions, (code,) * count, seed, shifts=shifts)


def moves_along(directions: Along, count: int) -> Moves | None:
    """Return what the first `count` directions or fewer move of the network's inputs; None where they move none."""
    facts = _ask_of_directions("moves", directions, count).facts
    if facts["input"] is None:
        return None
    return Moves(json.dumps(directions), facts["input"], np.asarray(facts["vectors"], np.float32))


def effects_along(directions: Along, count: int) -> dict[str, Any]:
    """Return the `judge` of the data, and the `effects` of the first `count` directions or fewer, dicts each as
    fergan_core.exploring.effects.Effect has it."""
    return _ask_of_directions("effects", directions, count).facts


def _ask_of_directions(kind: str, directions: Along, count: int) -> FaceAnswer:
    code = EMOTIONS.index(emotions_of(data.run(directions.run_id)["recipe"])[0])
    return _ask_along(kind, directions, (code,), 0, count=count)


def _ask_along(kind: str, directions: Along, labels: tuple[int, ...], seed: int, **others: Any) -> FaceAnswer:
    run_id, step, *of_directions = directions
    named = dict(zip(("space", "file", "changed"), of_directions, strict=True))
    return _ask(kind, run_id, _weights(run_id, step), labels, seed, **named, **others)


def learning(run_id: str, step: int, *, anew: bool = False) -> Drawing | None:
    """Return the learning of a checkpoint's directions that was started on this server; `anew` starts one where none is
    going on."""
    learnings, key = _learnings(), (data.url(), run_id, *_weights(run_id, step))
    if anew and (key not in learnings or learnings[key].ended() or learnings[key].cancelled):
        source, client, file = data.reader(), _face_client(), learned_directions(run_id, step).file
        recipe, weights = source.run(run_id)["recipe"], source.file(key[2])
        code = EMOTIONS.index(emotions_of(recipe)[0])
        learnings[key] = Drawing(lambda drawing: client.ask("learn", recipe, weights, [code], 0, drawing, file=file))
    return learnings.get(key)


@st.cache_resource(show_spinner=False)
def _learnings() -> dict[tuple[str, ...], Drawing]:
    return {}


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


def _weights(run_id: str, step: int) -> tuple[str, str]:
    """Return path and hash of the weights at a step; CheckpointError where there are none."""
    saved = data.checkpoints(run_id)
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
    source = data.reader()
    record = source.run(run_id)
    return _face_client().ask(
        kind, record["recipe"], source.file(weights[0]), labels, seed, dataset=located(record["dataset"]), **others
    )


@st.cache_resource(show_spinner=False)
def _face_client() -> FaceClient:
    return FaceClient()
