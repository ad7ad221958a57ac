"""`fergan directions`: learn directions among a generator's latents, and say what changes along each."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fergan_core.errors import UsageError
from trainers.arguments import arg
from trainers.console import console, print_table
from trainers.runs_commands import JsonFlag, RegistryFlag, open_reader, print_json, records

if TYPE_CHECKING:
    from fergan_core.exploring.learned import Learned


def directions(
    run: Annotated[str, arg(metavar="RUN[@EPOCH]", help="A run: its last checkpoint, or that of an epoch.")],
    /,
    *,
    count: Annotated[int, arg(help="Directions to learn.")] = 12,
    steps: Annotated[int, arg(help="Steps of the learning, of 32 pairs of faces each.")] = 1_000,
    seed: Annotated[int, arg(help="Seed of the directions that the learning starts from, and of its faces.")] = 0,
    judge: Annotated[
        str | None, arg(metavar="NAME|PATH", help="Judge of what changes; by default the dataset's.")
    ] = None,
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> None:
    """Learn directions along which a generator's faces change each in a way of its own, without labels.

    They are kept beside the run, where the page Explore moves faces along them. Takes minutes on a CPU.
    """
    if count < 2 or steps < 1:
        raise UsageError("--count, --steps: give 2 or more directions, and 1 or more steps")
    from trainers.evaluate_commands import choose, split_run

    reader = open_reader(registry)
    name, epoch = split_run(run)
    row = reader.run(reader.resolve(name, trashed="never"))
    (checkpoint, *others) = choose(records(reader.checkpoints(row["id"])), epoch, str(row["name"]))
    if others:
        raise UsageError(
            f"'{run}': directions are of one checkpoint; name its epoch, as in {name}@{checkpoint['epoch']}"
        )
    # Imported only now, so that a mistyped run is refused without loading torch.
    from fergan_core.exploring.directions import Walker
    from fergan_core.exploring.effects import effects
    from fergan_core.exploring.learned import learn, save_learned
    from fergan_core.judges.judge import load_judge
    from fergan_core.methods import load_generator
    from fergan_core.protocols import judges_for
    from fergan_core.registry.derived import directions_path
    from trainers.progress import DrawingBar

    reader_of_faces = load_judge(judge or judges_for(row["dataset"]["name"])[0])
    walker = Walker(load_generator(row["recipe"], reader.file(checkpoint["path"])))
    with DrawingBar("learning directions") as bar:
        learned = learn(walker, count, steps=steps, seed=seed, on_progress=bar)
    path = directions_path(row["id"], checkpoint["sha256"])
    save_learned(reader.file(path), learned)
    found = [asdict(effect) for effect in effects(walker, learned.directions, reader_of_faces)]
    if json:
        document = {"told": learned.told, "shift_error": learned.shift_error, "effects": found}
        print_json(
            {"id": row["id"], "epoch": checkpoint["epoch"], "file": path, "judge": reader_of_faces.name, **document}
        )
    else:
        _print(learned, found, reader_of_faces.name, path)


def _print(learned: "Learned", found: list[dict[str, Any]], judge: str, path: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from fergan_core.exploring.words import how_much, what_changes

    output = console()
    table = Table("direction", "told", "shapes change", f"what changes along it, by the judge {judge}", box=SIMPLE_HEAD)
    for place, (effect, told) in enumerate(zip(found, learned.told, strict=True), 1):
        difference = f"{how_much(effect)} ({effect['difference']['value']:.2f})"
        table.add_row(str(place), f"{told:.0%}", difference, Text(what_changes(effect)))
    print_table(table, output)
    output.print(
        f"told: how often a network tells the direction by a face before and after, where guessing gives "
        f"{1 / len(found):.0%}; it misses the shift by {learned.shift_error:.1f} of up to 6 units",
        highlight=False,
    )
    output.print(
        "changes are points of 100 a unit, surely not 0 (95 %); in brackets of 'shapes change' 1 less the MS-SSIM from "
        "-3 to +3 units",
        highlight=False, markup=False,
    )  # fmt: skip
    print(f"kept as {path}")
