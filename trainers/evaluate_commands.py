"""`fergan evaluate` and `fergan sample`: score checkpoints or faces from files; draw faces to files."""

import json as json_text
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fergan_core.emotions import EMOTIONS, LABEL_ORDERS, label_order
from fergan_core.errors import DataError, NoRun, UsageError

if TYPE_CHECKING:
    from fergan_core.data import Dataset
    from fergan_core.evaluation import Evaluation, Protocol, SuspectedOrder
    from fergan_core.recipe import Recipe, Sampling
    from fergan_core.registry import Reader, Registry


@dataclass(frozen=True)
class Drawing:
    """How faces are drawn; None, and no steps, stand for the recipe's own."""

    seed: int
    device: Literal["auto", "cpu", "cuda"]
    sampler: str | None
    steps: tuple[int, ...]
    guidance: float | None

    def samplings(self, recipe: "Recipe") -> "list[Sampling | None]":
        """Return the samplings to draw by, None for the recipe's own; UsageError for a method without samplers."""
        if self.sampler is None and not self.steps and self.guidance is None:
            return [None]
        from fergan_core.recipe import Denoiser, Sampling

        if not isinstance(recipe.method, Denoiser):
            raise UsageError(
                f"--sampler, --steps, --guidance: a {recipe.method.kind} draws a face in one pass; leave them out"
            )
        default = recipe.method.sampling
        guidance = default.guidance if self.guidance is None else self.guidance
        if min(self.steps, default=1) < 1 or guidance < 0:
            raise UsageError("--steps, --guidance: give 1 or more steps, and 0 or more guidance")
        if guidance != default.guidance and not recipe.method.guidable:
            raise UsageError(
                f"--guidance: this network draws with a guidance of {default.guidance:g} only; leave it out"
            )
        sampler = self.sampler or default.sampler
        samplings = [Sampling(sampler, steps, guidance) for steps in self.steps or (default.steps,)]
        return [None if sampling == default else sampling for sampling in samplings]


@dataclass(frozen=True)
class Wishes:
    """The flags of `fergan evaluate`; `count` None is the protocol's own."""

    count: int | None
    prior: Literal["natural", "balanced"]
    truncation: float
    judges: tuple[str, ...]
    light: bool
    inception: bool
    inception_weights: Path | None
    drawing: Drawing

    def protocols(self, data: str) -> "list[Protocol]":
        """Return a protocol for each judge: those named, or those shipped for the dataset."""
        from fergan_core.evaluation import FINAL_COUNT, LIGHT_COUNT, Protocol, judges_for
        from fergan_core.judges.inception import find_weights

        count = self.count or (LIGHT_COUNT if self.light else FINAL_COUNT)
        names = self.judges or judges_for(data)[: 1 if self.light else 2]
        if self.inception or self.inception_weights is not None:
            names = (*names, f"inception:{find_weights(self.inception_weights)}")
        return [Protocol(name, count, self.drawing.seed, self.prior, self.truncation) for name in names]


def split_run(text: str) -> tuple[str, str | None]:
    """Split RUN, RUN@EPOCH or RUN@all into the run and what follows the last '@' (None: the last checkpoint)."""
    run, at, epoch = text.rpartition("@")
    if not at:
        return text, None
    if not run or not (epoch == "all" or epoch.isdecimal()):
        raise UsageError(f"'{text}': after the @ comes an epoch's number or 'all', as in {run or 'RUN'}@25")
    return run, epoch


def choose(checkpoints: Sequence[dict[str, Any]], epoch: str | None, run: str) -> list[dict[str, Any]]:
    """Return the chosen checkpoints in order of steps; NoRun, naming the epochs that have one, where there is none."""
    rows = sorted(checkpoints, key=lambda row: int(row["step"]))
    chosen = rows if epoch == "all" else rows[-1:] if epoch is None else [r for r in rows if r["epoch"] == int(epoch)]
    if not chosen:
        if not rows:
            raise NoRun(f"run '{run}' has no checkpoint to draw faces from; choose a run with one")
        epochs = ", ".join(str(row["epoch"]) for row in rows)
        raise NoRun(f"run '{run}' has no checkpoint at epoch {epoch}; it has: {epochs}")
    return chosen


def _chosen(reader: "Reader", text: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the run and the checkpoints that RUN[@EPOCH|@all] names."""
    from trainers.runs_commands import records

    name, epoch = split_run(text)
    run = reader.run(reader.resolve(name))
    return run, choose(records(reader.checkpoints(run["id"])), epoch, str(run["name"]))


def evaluate_runs(texts: Sequence[str], wishes: Wishes, *, registry: str | None, data: str | None, json: bool) -> None:
    """Score each RUN's last checkpoint, RUN@EPOCH or RUN@all by each judge, record the scores, and print them.

    `data` is the path of the real faces where it is not that of the training. With `json` one line:
    {"evaluations": [{"id", "name", "epoch", "step", "judge", "judge_sha256", "protocol", "scores", "omitted"}]}.
    """
    from fergan_core.protocols import words
    from trainers.runs_commands import open_registry

    writer = open_registry(registry)
    done: list[tuple[dict[str, Any], Evaluation]] = []
    try:
        for row, evaluation in _scored(writer, texts, wishes, data):
            done.append((row, evaluation))
            print(f"{row['name']} epoch {row['epoch']}: {words(_protocol(evaluation))}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped; {len(done):,} evaluations are recorded; evaluate the other checkpoints by the same command"
        ) from None
    if json:
        rows = [row | evaluation.as_dict() for row, evaluation in done]
        print(json_text.dumps({"evaluations": rows}, allow_nan=False))
        return
    for row, evaluation in done:
        _print(f"{row['name']}, epoch {row['epoch']}", evaluation)
    _print_disagreements(done)


def _scored(
    writer: "Registry", texts: Sequence[str], wishes: Wishes, data: str | None
) -> "Iterator[tuple[dict[str, Any], Evaluation]]":

    reader = writer.reader
    runs_and_checkpoints = [_chosen(reader, text) for text in texts]
    # Imported only now, so that a mistyped run is refused without loading torch.
    from fergan_core.evaluation import evaluate_checkpoints
    from fergan_core.experiment import choose_device
    from fergan_core.recipe import from_dict
    from trainers.progress import DrawingBar

    device = choose_device(wishes.drawing.device)
    # For all runs first: what cannot be drawn is refused before hours of drawing.
    samplings_of_runs = [wishes.drawing.samplings(from_dict(run["recipe"])) for run, _ in runs_and_checkpoints]
    for (run, checkpoints), samplings in zip(runs_and_checkpoints, samplings_of_runs, strict=True):
        epochs = {int(row["step"]): int(row["epoch"]) for row in checkpoints}
        dataset = _real_faces(run["dataset"], data)
        base_protocols = wishes.protocols(str(run["dataset"]["name"]))
        for sampling in samplings:
            protocols = [replace(protocol, sampling=sampling) for protocol in base_protocols]
            with DrawingBar() as bar:
                for step, evaluation in evaluate_checkpoints(
                    writer, run["id"], list(epochs), protocols, dataset=dataset, device=device,
                    thorough=not wishes.light, on_progress=bar,
                ):  # fmt: skip
                    yield {"id": run["id"], "name": run["name"], "epoch": epochs[step], "step": step}, evaluation


def _real_faces(recorded: dict[str, Any], path: str | None) -> "Dataset | None":
    """Open the data that a run was trained on, at `path` or where they were in training.

    Without a `path`, where they are gone or changed: warn on stderr and return None.
    """
    from fergan_core.data import reopen_dataset

    try:
        return reopen_dataset(recorded, path)
    except DataError as error:
        if path is not None:
            raise
        print(f"warning: no real faces to compare with: {error}", file=sys.stderr)
        return None


def evaluate_images(path: Path, wishes: Wishes, *, order: str | None, data: str | None, json: bool) -> None:
    """Score faces from a file or folder, labelled or not, against the real faces of `data` where it is given.

    `order` is the order in which label numbers count the emotions, FER2013's by default. Where they seem to count in
    another, a warning on stderr says so. With `json` one line: {"images", "count", "evaluations"} and,
    where there are labels, by the first judge, "accuracy" and "suspected_label_order" (null, or {"order", "emotions",
    "accuracy", "accuracy_as_given"}).
    """
    from fergan_core.data import open_dataset
    from fergan_core.data.faces_in import read_faces

    images, labels, _ = read_faces(path, label_order=order)
    if order is not None and labels is None:
        raise UsageError(f"--label-order: '{path}' has no labels; leave it out")
    dataset = None if data is None else open_dataset(data)
    from fergan_core.evaluation import order_of_labels, score_images
    from fergan_core.experiment import choose_device

    protocols = wishes.protocols("fer2013" if dataset is None else dataset.name)
    device = choose_device(wishes.drawing.device)
    suspected = None
    if labels is not None:
        assumed_order = EMOTIONS if order is None else label_order(order)
        suspected = order_of_labels(images, labels, protocols[0], assumed_order, device=device)
    if suspected is not None:
        print(_order_hint(path, suspected, protocols[0].judge, named=order is None), file=sys.stderr)
    done = list(score_images(images, labels, protocols, dataset=dataset, device=device, thorough=not wishes.light))
    if json:
        accuracies = [s.value for s in done[0].scores if (s.metric, s.emotion) == ("accuracy", None)]
        document: dict[str, Any] = {"images": str(path), "count": len(images)}
        if accuracies:
            document |= {"accuracy": accuracies[0], "suspected_label_order": _order_dict(suspected)}
        document["evaluations"] = [evaluation.as_dict() for evaluation in done]
        print(json_text.dumps(document, allow_nan=False))
        return
    for evaluation in done:
        _print(path.name, evaluation)


def _order_dict(suspected: "SuspectedOrder | None") -> dict[str, Any] | None:
    if suspected is None:
        return None
    return {
        "order": suspected.flag,
        "emotions": list(suspected.emotions),
        "accuracy": suspected.accuracy,
        "accuracy_as_given": suspected.as_given,
    }


def _order_hint(path: Path, suspected: "SuspectedOrder", judge: str, *, named: bool) -> str:
    """Return a warning of the order in which labels seem to count; `named` labels are the names of folders."""
    shares = f"judge {judge} then agrees with {suspected.accuracy:.0%} of the labels, now with {suspected.as_given:.0%}"
    if named and path.is_dir():
        pairs = zip(EMOTIONS, suspected.emotions, strict=True)
        moved = ", ".join(f"{name}/ holds {meant}" for name, meant in pairs if name != meant)
        return f"warning: {path}: the folders seem to have wrong names: {moved} ({shares}); rename them if so"
    name = f"{suspected.flag} order" if suspected.flag in LABEL_ORDERS else f"the order {', '.join(suspected.emotions)}"
    return (
        f"warning: {path.name}: the labels seem to count the emotions in {name}: {shares}; if so, give "
        f"--label-order {suspected.flag}"
    )


def sample(run: str, drawing: Drawing, *, registry: str | None, per_emotion: int, out: Path) -> None:
    """Draw faces of each of a run's emotions from a checkpoint into FILE.npz, a folder, or a contact sheet FILE.png.

    They are written at the end, all or none. KeyboardInterrupt says how many were drawn.
    """
    if not 1 <= per_emotion <= 100_000:
        raise UsageError(f"--per-emotion: {per_emotion} is out of range; give 1 to 100,000")
    from fergan_core.registry import Reader

    reader = Reader(registry)
    row, checkpoints = _chosen(reader, run)
    from fergan_core.data.faces_in import check_target, write_faces

    check_target(out)
    import torch

    from fergan_core.evaluation import codes_of, draw, sampled
    from fergan_core.experiment import choose_device
    from fergan_core.methods import load_generator
    from fergan_core.recipe import from_dict
    from trainers.progress import DrawingBar

    (sampling,) = drawing.samplings(from_dict(row["recipe"]))
    target = choose_device(drawing.device)
    generator = sampled(load_generator(row["recipe"], reader.file(checkpoints[-1]["path"]), str(target)), sampling)
    labels = torch.tensor(codes_of(generator.emotions)).repeat_interleave(per_emotion)
    faces_drawn = 0
    try:
        with DrawingBar() as bar:

            def on_progress(done: int, of: int) -> None:
                nonlocal faces_drawn
                faces_drawn = done
                bar(done, of)

            faces = draw(generator, labels, drawing.seed, 1.0, target, on_progress)
        write_faces(out, faces.images.numpy(), labels.to(torch.uint8).numpy())
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped with {faces_drawn:,} of {len(labels):,} faces drawn and nothing written to '{out}'; "
            "run the same command to draw the same faces again"
        ) from None
    print(f"{out}: {len(labels):,} faces, {per_emotion:,} of each of {len(generator.emotions)} emotions")


def _protocol(evaluation: "Evaluation") -> dict[str, Any]:
    return {"judge": evaluation.judge, "judge_sha256": evaluation.judge_sha256, **evaluation.protocol_dict()}


def _print(title: str, evaluation: "Evaluation") -> None:
    """Print an evaluation as tables, with its protocol, and why scores are missing."""
    from fergan_core.protocols import words
    from trainers.console import console
    from trainers.score_tables import print_scores

    caption = f"{words(_protocol(evaluation))}; {evaluation.real_count:,} real faces"
    if evaluation.faces_per_second:
        caption += f"; {evaluation.faces_per_second:,.0f} faces a second"
    output = console()
    print_scores(output, title, evaluation.scores, caption)
    for sentence in evaluation.omitted:
        output.print(f"left out: {sentence}", highlight=False, markup=False)


def _print_disagreements(done: "Sequence[tuple[dict[str, Any], Evaluation]]") -> None:
    """Print the scores by which two judges order some checkpoints differently."""
    import pandas as pd

    from fergan_core.analysis.ranking import judge_disagreements
    from fergan_core.metrics.catalogue import CATALOGUE

    rows = [
        {"run_id": row["id"], "run_name": row["name"], "epoch": row["epoch"], "step": row["step"]}
        | _protocol(evaluation)
        | {"metric": s.metric, "emotion": s.emotion, "value": s.value, "low": s.low, "high": s.high}
        for row, evaluation in done
        if evaluation.protocol.sampling is None
        for s in evaluation.scores
    ]
    table = pd.DataFrame(rows)
    if table.empty:
        return
    disagreeing = [metric.title for key, metric in CATALOGUE.items() if len(judge_disagreements(table, key))]
    if disagreeing:
        print(f"The judges disagree on the order of these checkpoints by {', '.join(disagreeing)}.")
