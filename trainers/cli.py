"""`fergan`: runs, data sets, evaluations, the showcase. Trainings have their own commands: `python -m trainers.x`."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from trainers import data_commands, evaluate_commands, runs_commands
from trainers.runs_commands import JsonFlag, RegistryFlag
from trainers.shell import guarded

DataArg = Annotated[
    str, tyro.conf.arg(metavar="PATH|synthfer", help="FER2013 in any of its layouts, or the built-in faces.")
]


def data_info(path: DataArg, /, *, json: JsonFlag = False) -> None:
    """Count a data set's images by split and emotion, and its duplicates."""
    data_commands.info(path, json=json)


def data_sheet(
    path: DataArg, /, *, out: Annotated[Path, tyro.conf.arg(metavar="FILE.png", help="The picture to write.")]
) -> None:
    """Draw a data set's contact sheet: a row an emotion."""
    data_commands.sheet(path, out=out)


def evaluate(
    run: Annotated[
        str,
        tyro.conf.arg(metavar="RUN[@EPOCH|@all]", help="A run; its last checkpoint, that of an epoch, or all of them."),
    ],
    /,
    *,
    registry: RegistryFlag = None,
    count: Annotated[int, tyro.conf.arg(help="Faces to draw.")] = 5000,
    prior: Annotated[
        Literal["natural", "balanced"], tyro.conf.arg(help="Emotions as frequent as in the data, or all alike.")
    ] = "natural",
    judge: Annotated[
        str | None, tyro.conf.arg(help="A shipped judge's name or a path; by default the one for the run's data.")
    ] = None,
    seed: Annotated[int, tyro.conf.arg(help="Seed of the drawing.")] = 0,
    device: Annotated[Literal["auto", "cpu", "cuda"], tyro.conf.arg(help="Where to draw the faces.")] = "auto",
    json: JsonFlag = False,
) -> None:
    """Score a run's checkpoints by a judge and record the scores."""
    evaluate_commands.evaluate(
        run, registry=registry, count=count, prior=prior, judge=judge, seed=seed, device=device, json=json
    )


def showcase(
    runs: Annotated[list[str], tyro.conf.arg(metavar="RUN...", help="The runs to keep, beside the literature's.")],
    /,
    *,
    out: Annotated[Path, tyro.conf.arg(metavar="runs.db", help="The registry to write; its files go beside it.")],
    registry: RegistryFlag = None,
) -> None:
    """Write a small registry of some runs, to be committed: points thinned, few sheets, light weights."""
    from fergan_core.registry import Reader
    from fergan_core.registry.showcase import write_showcase

    reader = Reader(registry)
    size = write_showcase(reader.url, out, [reader.resolve(run) for run in runs])
    print(f"{out}: {size / 1e6:.2f} MB with its files")


GROUPS: dict[str, tuple[str, dict[str, Callable[..., int | None]]]] = {
    "runs": ("List, show, tag, delete, verify, export and import runs.", runs_commands.COMMANDS),
    "data": ("Look at a data set.", {"info": data_info, "sheet": data_sheet}),
}
SINGLE: dict[str, Callable[..., int | None]] = {"evaluate": evaluate, "showcase": showcase}


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `fergan`. Exit: 0 done, 1 failed, 2 wrong use or bad input."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(lambda: _dispatch(words))


def _dispatch(words: list[str]) -> int | None:
    if words and words[0] in GROUPS:
        description, commands = GROUPS[words[0]]
        return _run(commands, f"fergan {words[0]}", description, words[1:])
    # The groups stand in this list for its help alone; their words went the way above.
    groups = {name: _group(description) for name, (description, _) in GROUPS.items()}
    return _run({**groups, **SINGLE}, "fergan", str(__doc__).replace("`", ""), words)


def _group(description: str) -> Callable[[], None]:
    def group() -> None: ...

    group.__doc__ = description
    return group


def _run(commands: dict[str, Callable[..., Any]], prog: str, description: str, words: Sequence[str]) -> int | None:
    result: int | None = tyro.extras.subcommand_cli_from_dict(
        commands, prog=prog, description=description, args=words, config=(tyro.conf.FlagCreatePairsOff,)
    )
    return result


if __name__ == "__main__":
    sys.exit(main())
