"""`fergan rate`: studies in which people judge faces; their results and export; deletion of answers and of studies."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fergan_core.errors import UsageError
from trainers.arguments import arg
from trainers.console import console, print_table, when
from trainers.runs_commands import JsonFlag, RegistryFlag, open_reader, open_registry, print_json, records

if TYPE_CHECKING:
    from fergan_core.rating.results import Results
    from fergan_core.registry import Reader
    from fergan_core.registry.ratings import NewItem

StudyArg = Annotated[str, arg(metavar="STUDY", help="A rating study's name or id; `fergan rate list` lists them.")]
Task = Literal["real", "emotion", "pair_real", "pair_emotion"]


def new(
    runs: Annotated[
        list[str],
        arg(metavar="RUN[@EPOCH|@all]...", help="Checkpoints to judge: each run's last, that of an epoch, or all."),
    ],
    /,
    *,
    name: Annotated[str, arg(metavar="NAME", help="Name of the study.")],
    faces: Annotated[int, arg(help="Faces of each checkpoint; there are as many real ones as of all together.")] = 28,
    tasks: Annotated[
        tuple[Task, ...],
        arg(
            metavar="TASK...",
            help="What people judge: real (or generated), emotion (which), pair_real (which of two looks more real), "
            "pair_emotion (which of two shows more of an emotion).",
        ),
    ] = ("real", "emotion", "pair_real", "pair_emotion"),
    trials: Annotated[int, arg(help="Faces, or pairs, that a person judges in each task.")] = 40,
    exposure: Annotated[
        tuple[int, ...],
        arg(metavar="MS...", help="Milliseconds for which a face is shown in the task real; 0 is until the answer."),
    ] = (500,),
    data: Annotated[
        str | None, arg(metavar="PATH|synthfer", help="The real faces; by default the runs' training data.")
    ] = None,
    seed: Annotated[int, arg(help="Seed of the faces and of their order.")] = 0,
    registry: RegistryFlag = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], arg(help="Device to draw on; auto is the GPU where there is one.")
    ] = "auto",
    json: JsonFlag = False,
) -> None:
    """Make a study: draw faces from checkpoints, put real ones among them, and record both with the study."""
    from fergan_core.rating.new_study import MOST_FACES
    from fergan_core.rating.session import Plan, check_plan
    from fergan_core.registry import ratings

    if not runs:
        raise UsageError(
            "name one or more runs, as in `fergan rate new RUN --name NAME`; `fergan runs list` lists them"
        )
    if not 1 <= faces <= MOST_FACES:
        raise UsageError(f"--faces: {faces} is out of range; give 1 to {MOST_FACES}")
    plan = Plan(seed, tasks, trials, exposure)
    check_plan(plan)
    writer = open_registry(registry)
    items = _drawn(writer.reader, runs, faces, seed, data, device)
    study = ratings.add_study(writer, name, plan.as_dict(), items)
    if json:
        print_json({"id": study, "name": name, "faces": len(items)})
    else:
        print(f"study {study}  {name}: {len(items)} pictures; people judge them on the page Rate (/rate?study={study})")


def _drawn(
    reader: "Reader", texts: Sequence[str], count: int, seed: int, data: str | None,
    device: Literal["auto", "cpu", "cuda"],
) -> "list[NewItem]":  # fmt: skip
    """Return a study's faces: those of each checkpoint, real ones, and noise. The judge of the data reads them all."""
    from trainers.evaluate_commands import choose, split_run

    chosen = []
    for text in dict.fromkeys(texts):
        run_name, epoch = split_run(text)
        run = reader.run(reader.resolve(run_name, trashed="never"))
        chosen += [(run, row) for row in choose(records(reader.checkpoints(run["id"])), epoch, str(run["name"]))]
    if len({run["data_hash"] for run, _ in chosen}) > 1:
        raise UsageError("these runs were trained on different datasets, whose real faces differ; choose runs of one")
    # Imported only now, so that a mistyped run is refused without loading torch.
    import torch

    from fergan_core.evaluation import draw
    from fergan_core.experiment import choose_device
    from fergan_core.judges.judge import load_judge
    from fergan_core.methods import load_generator
    from fergan_core.protocols import judges_for
    from fergan_core.rating import new_study
    from trainers.datasets import reopen_data
    from trainers.progress import DrawingBar

    dataset = reopen_data(chosen[0][0]["dataset"], data)
    judge, target = load_judge(judges_for(dataset.name)[0]), choose_device(device)
    items: list[NewItem] = []
    emotions: dict[str, None] = {}
    for run, checkpoint in chosen:
        generator = load_generator(run["recipe"], reader.file(checkpoint["path"]), str(target))
        emotions |= dict.fromkeys(generator.emotions)
        codes = new_study.codes_to_draw(generator.emotions, count)
        with DrawingBar() as bar:
            images = draw(generator, torch.tensor(codes), seed, 1.0, target, bar).images
        read = judge.read(images)[0].argmax(dim=1).tolist()
        items += new_study.generated_items(run, checkpoint, images.numpy(), codes, seed, read)
    real = new_study.choose_real(dataset, list(emotions), len(items), seed)
    probabilities = judge.read(dataset.images[real.all])[0].softmax(dim=1).numpy()
    return [*items, *new_study.real_items(dataset, real, probabilities), *new_study.noise_items(seed)]


def list_studies(*, registry: RegistryFlag = None, json: JsonFlag = False) -> None:
    """List the rating studies, newest first, with how many people and answers each has."""
    from fergan_core.registry import ratings

    rows = records(ratings.studies(open_reader(registry)))
    if json:
        print_json(rows)
    elif not rows:
        print("no rating studies; `fergan rate new RUN --name NAME` makes one")
    else:
        cells = [
            [row["id"], row["name"], ", ".join(row["plan"]["tasks"]), row["faces"], row["raters"], row["answers"],
             when(row["created"])]
            for row in rows
        ]  # fmt: skip
        _print("", ("id", "name", "tasks", "faces", "people", "answers", "made"), cells)


def show_results(study: StudyArg, /, *, registry: RegistryFlag = None, json: JsonFlag = False) -> None:
    """Show what people's answers say: HYPE, emotions, agreement, rankings, and how far the scores agree with people."""
    from fergan_core.rating.results import results
    from fergan_core.registry import ratings

    reader = open_reader(registry)
    found = ratings.study_named(reader, study)
    outcome = results(reader, found["id"])
    if json:
        print_json(_document(found, outcome))
        return
    print(f"{found['name']}: {len(outcome.people)} people, {outcome.answers:,} answers")
    for title, columns, rows in _tables(outcome):
        if rows:
            _print(title, columns, rows)
    for row in records(outcome.people[outcome.people["reasons"] != ""]):
        print(f"warning: {row['rater']} {row['reasons']}; the answers are counted all the same")


def _document(study: dict[str, Any], outcome: "Results") -> dict[str, Any]:
    names = ("people", "hype", "recognition", "agreement", "looks_real", "shows_more", "correlations")
    tables = {name: records(getattr(outcome, name)) for name in names}
    about = {"id": study["id"], "name": study["name"], "people": len(outcome.people), "answers": outcome.answers}
    return {"study": about, **tables, "protocol": outcome.protocol}


def _tables(outcome: "Results") -> Iterator[tuple[str, Sequence[str], list[list[Any]]]]:
    """Yield title, columns and rows of each table that is printed."""
    from fergan_core.metrics.catalogue import CATALOGUE
    from fergan_core.rating.correlation import side_by_side

    yield (
        "How often people err (HYPE)",
        ("checkpoint", "exposure", "HYPE", "95 % interval", "taken for real", "real for generated", "answers"),
        [
            [
                *(row["label"], exposure(row["wished_ms"]), _percent(row["value"]), _interval(row)),
                *(_percent(row["generated"]), _percent(row["real"]), row["answers"]),
            ]
            for row in records(outcome.hype)
        ],
    )
    yield (
        "The emotion that was requested, or labelled, is recognised",
        ("faces", "by people", "95 % interval", "by the judge", "unsure", "answers"),
        [
            [
                *(row["label"], _percent(row["value"]), _interval(row)),
                *(_percent(row["judge"]), _percent(row["unsure"]), row["answers"]),
            ]
            for row in records(outcome.recognition)
        ],
    )
    rankings = (("Looks more real", outcome.looks_real), ("Shows more of the emotion", outcome.shows_more))
    for title, table in rankings:
        yield (
            f"{title} (Bradley-Terry strength)",
            ("faces", "strength", "95 % interval", "comparisons"),
            [
                [row["label"], f"{row['strength']:.2f}", _interval(row, "{:.2f}"), row["comparisons"]]
                for row in records(table)
            ],
        )
    yield (
        "Agreement between people (Krippendorff's alpha)",
        ("task", "alpha", "faces", "people"),
        [[row["task"], f"{row['alpha']:.2f}", row["faces"], row["raters"]] for row in records(outcome.agreement)],
    )
    beside = side_by_side(outcome.correlations)
    checkpoints = 0 if beside.empty else int(outcome.correlations["checkpoints"].max())
    yield (
        f"Rank correlation of scores with people, over {checkpoints} checkpoints ({outcome.protocol})",
        ("score", *map(str, beside.columns)),
        [[CATALOGUE[key].title, *cells] for key, *cells in beside.reset_index().itertuples(index=False)],
    )


def exposure(wished_ms: int) -> str:
    """Say for how long a face was shown."""
    return f"{wished_ms} ms" if wished_ms else "until answered"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _interval(row: Mapping[str, Any], form: str = "{:.1%}") -> str:
    return "" if row["low"] is None else f"{form.format(row['low'])} to {form.format(row['high'])}"


def _print(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, title=Text(title) if title else None, title_justify="left")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    print_table(table, console())


def export(
    study: StudyArg,
    /,
    *,
    out: Annotated[Path, arg(metavar="FILE.csv", help="File to write.")],
    pseudonym: Annotated[str | None, arg(metavar="NAME", help="Only this person's answers.")] = None,
    registry: RegistryFlag = None,
) -> None:
    """Write a study's answers to a CSV file: a row for each face or pair that was shown, with what it was."""
    from fergan_core.files import atomic_write
    from fergan_core.rating.results import exported
    from fergan_core.registry import ratings

    reader = open_reader(registry)
    table = exported(reader, ratings.study_named(reader, study)["id"], pseudonym)
    if table.empty and pseudonym is not None:
        raise UsageError(f"--pseudonym: '{pseudonym}' has no answers in this study; `fergan rate results` names people")
    if not out.parent.is_dir():
        raise UsageError(f"--out: there is no folder '{out.parent}'; make it first")
    with atomic_write(out) as temporary:
        table.to_csv(temporary, index=False)
    print(f"{out}: {len(table):,} rows")


def forget(
    pseudonym: Annotated[str, arg(metavar="PSEUDONYM", help="The name that the person chose.")],
    /,
    *,
    study: Annotated[str | None, arg(metavar="STUDY", help="Only in this study; by default in all.")] = None,
    registry: RegistryFlag = None,
) -> None:
    """Delete a person's answers and pseudonym permanently; backups that were made before still hold them."""
    from fergan_core.registry import ratings

    writer = open_registry(registry)
    study_id = None if study is None else ratings.study_named(writer.reader, study)["id"]
    studies = ratings.forget(writer, pseudonym, study_id)
    if not studies:
        raise UsageError(f"nobody is called '{pseudonym}' there; `fergan rate results STUDY` names people")
    print(f"{pseudonym} is deleted from {studies} {'study' if studies == 1 else 'studies'}")


def delete(
    study: StudyArg,
    /,
    *,
    with_answers: Annotated[
        bool, arg(help="Delete it though people have answered; export their answers before.")
    ] = False,
    registry: RegistryFlag = None,
) -> None:
    """Delete a study with its faces and all answers permanently; backups that were made before still hold them."""
    from fergan_core.registry import ratings

    writer = open_registry(registry)
    found = ratings.study_named(writer.reader, study)
    if found["raters"] and not with_answers:
        people = "1 person" if found["raters"] == 1 else f"{found['raters']} people"
        raise UsageError(
            f"the study '{found['name']}' has {found['answers']} answers of {people}; keep them by "
            "`fergan rate export`, then give --with-answers to delete them too"
        )
    ratings.delete_study(writer, found["id"])
    print(f"the study {found['name']} is deleted, with its faces and answers")


COMMANDS: dict[str, Callable[..., int | None]] = {
    "new": new,
    "list": list_studies,
    "results": show_results,
    "export": export,
    "forget": forget,
    "delete": delete,
}
