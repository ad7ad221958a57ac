"""`fergan`: train, evaluate and compare runs, look at data sets, keep the registry."""

import difflib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro

from fergan_core.errors import UsageError
from trainers import backup_commands, claims, data_commands, evaluate_commands, replay, runs_commands
from trainers.datasets import LabelOrderFlag
from trainers.runs_commands import JsonFlag, RegistryFlag
from trainers.shell import guarded

SamplerFlag = Annotated[
    str | None,
    tyro.conf.arg(metavar="NAME", help="Draw by this sampler; by default the recipe's. Not of a GAN or VAE."),
]
GuidanceFlag = Annotated[
    float | None, tyro.conf.arg(help="Push faces to their emotion so far; by default the recipe's, 1 is not at all.")
]
DataArg = Annotated[
    str, tyro.conf.arg(metavar="PATH|synthfer", help="FER2013 in any of its layouts, or the built-in faces.")
]


def data_info(path: DataArg, /, *, label_order: LabelOrderFlag = None, json: JsonFlag = False) -> None:
    """Count a data set's images by file, split and emotion, what was left out, and its duplicates."""
    data_commands.info(path, label_order=label_order, json=json)


def data_sheet(
    path: DataArg,
    /,
    *,
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.png", help="The picture to write.")],
    label_order: LabelOrderFlag = None,
) -> None:
    """Draw a data set's contact sheet: a row an emotion."""
    data_commands.sheet(path, out=out, label_order=label_order)


def evaluate(
    runs: Annotated[
        list[str],
        tyro.conf.arg(metavar="RUN[@EPOCH|@all]...", help="Runs; the last checkpoint, that of an epoch, or all."),
    ],
    /,
    *,
    images: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE.npz|DIR", help="Score these faces in place of runs.")
    ] = None,
    label_order: LabelOrderFlag = None,
    data: Annotated[
        str | None,
        tyro.conf.arg(metavar="PATH|synthfer", help="The real faces; by default those that the run was trained on."),
    ] = None,
    registry: RegistryFlag = None,
    count: Annotated[int | None, tyro.conf.arg(help="Faces to draw; by default 10,000, with --light 2,000.")] = None,
    prior: Annotated[
        Literal["natural", "balanced"], tyro.conf.arg(help="Emotions as frequent as in the data, or all alike.")
    ] = "natural",
    truncation: Annotated[float, tyro.conf.arg(help="Shorten every latent by this, above 0 to 1.")] = 1.0,
    judge: Annotated[
        tuple[str, ...],
        tyro.conf.arg(metavar="NAME|PATH...", help="Judges, the first one first; by default both of the data set."),
    ] = (),
    seed: Annotated[int, tyro.conf.arg(help="Seed of the drawing.")] = 0,
    light: Annotated[
        bool, tyro.conf.arg(help="As in training: one judge, 2,000 faces, no classifier trained and no Jacobian.")
    ] = False,
    inception: Annotated[bool, tyro.conf.arg(help="The standard Inception-v3 too, to compare with papers.")] = False,
    inception_weights: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help="Its weights, where they are not in PyTorch's own folder.")
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], tyro.conf.arg(help="Where to draw the faces.")] = "auto",
    sampler: SamplerFlag = None,
    steps: Annotated[
        tuple[int, ...],
        tyro.conf.arg(metavar="INT...", help="Draw in so many steps of the sampler, each number scored by itself."),
    ] = (),
    guidance: GuidanceFlag = None,
    json: JsonFlag = False,
) -> None:
    """Score checkpoints by the judges and record the scores, or score faces from a file."""
    drawing = evaluate_commands.Drawing(seed, device, sampler, steps, guidance)
    wishes = evaluate_commands.Wishes(count, prior, truncation, judge, light, inception, inception_weights, drawing)
    if (images is None) == (not runs):
        raise UsageError(
            "name runs, as in `fergan evaluate RUN@all`, or faces, as in `--images FILE.npz`: one of the two"
        )
    if label_order is not None and images is None:
        raise UsageError(
            "--label-order: a run's labels are in FER2013's order; name faces by --images FILE.npz with it"
        )
    if images is not None:
        evaluate_commands.evaluate_images(images, wishes, order=label_order, data=data, json=json)
    else:
        evaluate_commands.evaluate_runs(runs, wishes, registry=registry, data=data, json=json)


def sample(
    run: Annotated[str, tyro.conf.arg(metavar="RUN[@EPOCH]", help="A run; its last checkpoint, or that of an epoch.")],
    /,
    *,
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.npz|DIR|FILE.png", help="Where to write the faces.")],
    per_emotion: Annotated[int, tyro.conf.arg(help="Faces of each emotion.")] = 100,
    seed: Annotated[int, tyro.conf.arg(help="Seed of the drawing.")] = 0,
    registry: RegistryFlag = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], tyro.conf.arg(help="Where to draw the faces.")] = "auto",
    sampler: SamplerFlag = None,
    steps: Annotated[int | None, tyro.conf.arg(help="Draw in so many steps of the sampler.")] = None,
    guidance: GuidanceFlag = None,
) -> None:
    """Draw faces of every emotion from a checkpoint: images and labels, pictures in folders, or a contact sheet.

    They are written at the end, all or none; the seed gives the same faces again after an interruption.
    """
    drawing = evaluate_commands.Drawing(seed, device, sampler, () if steps is None else (steps,), guidance)
    evaluate_commands.sample(run, drawing, registry=registry, per_emotion=per_emotion, out=out)


def compare_runs(
    runs: Annotated[
        list[str],
        tyro.conf.arg(metavar="RUN...", help="Runs of two recipes or methods or more, several seeds of each."),
    ],
    /,
    *,
    budget: Annotated[
        Literal["seconds", "images", "flops"],
        tyro.conf.arg(help="What all had spent equally much of: seconds of training, images seen, operations."),
    ] = "seconds",
    at: Annotated[
        float | None,
        tyro.conf.arg(
            metavar="N",
            help="How much: seconds, images, or TFLOP; by default as much as the run that trained least had spent.",
        ),
    ] = None,
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> None:
    """Compare recipes or methods where they had spent equally much, seed by seed: scores, intervals, a verdict."""
    from trainers.compare import compare

    compare(runs, budget, at, registry=registry, json=json)


def replay_run(
    run: Annotated[str, tyro.conf.arg(metavar="RUN", help="The run to train again in part.")],
    /,
    *,
    first: Annotated[int, tyro.conf.arg(name="from", help="The epoch whose checkpoint it goes on from.")],
    last: Annotated[int, tyro.conf.arg(name="to", help="The epoch after which it ends.")],
    registry: RegistryFlag = None,
    data: Annotated[
        str | None, tyro.conf.arg(metavar="PATH|synthfer", help="The data; by default where they were in training.")
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], tyro.conf.arg(help="Where to train.")] = "auto",
) -> int:
    """Train some epochs again, bit for bit, with every instrument at every step; recorded as a fork."""
    return replay.replay(run, first, last, registry=registry, data=data, device=device)


def findings(
    runs: Annotated[list[str], tyro.conf.arg(metavar="RUN...", help="The runs to look at.")],
    /,
    *,
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> None:
    """Look once more for what went wrong in runs, record it in place of what was found before, and list it."""
    from trainers.findings import look_again

    if not runs:
        raise UsageError("name a run or more, as in `fergan findings RUN`; `fergan runs list` names them")
    look_again(runs, registry=registry, json=json)


def judge_claims(
    *,
    score: Annotated[
        Literal["coverage", "recall", "fid"], tyro.conf.arg(help="By which score; whether GANs converge is by FID.")
    ] = "coverage",
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> None:
    """Judge what the course project claimed of GANs by the studies in the registry."""
    claims.judge(score, registry=registry, json=json)


def showcase(
    runs: Annotated[list[str], tyro.conf.arg(metavar="RUN...", help="The runs to keep, beside the literature's.")],
    /,
    *,
    out: Annotated[Path, tyro.conf.arg(metavar="runs.db", help="The registry to write; its files go beside it.")],
    brief: Annotated[
        tuple[str, ...],
        tyro.conf.arg(
            metavar="RUN...",
            help="Runs to keep with coarse curves and one sheet, without weights; study trials come without sheets.",
        ),
    ] = (),
    drawable: Annotated[
        tuple[str, ...],
        tyro.conf.arg(metavar="RUN...", help="Runs to keep in brief with four sheets and the last weights."),
    ] = (),
    registry: RegistryFlag = None,
) -> None:
    """Write a small registry of some runs, to be committed: points thinned, few sheets, light weights."""
    from fergan_core.registry import Reader
    from fergan_core.registry.exchange.showcase import write_showcase

    reader = Reader(registry)
    chosen, in_brief, to_draw = (
        [reader.resolve(run, trashed="never") for run in names] for names in (runs, brief, drawable)
    )
    size = write_showcase(reader.url, out, chosen, in_brief, to_draw)
    print(f"{out}: {size / 1e6:.2f} MB with its files")


GROUPS: dict[str, tuple[str, dict[str, Callable[..., int | None]]]] = {
    "runs": ("List, show, tag, delete, verify, export and import runs.", runs_commands.COMMANDS),
    "data": ("Look at a data set.", {"info": data_info, "sheet": data_sheet}),
}
SINGLE: dict[str, Callable[..., int | None]] = {
    "evaluate": evaluate,
    "sample": sample,
    "compare": compare_runs,
    "replay": replay_run,
    "claims": judge_claims,
    "findings": findings,
    "showcase": showcase,
    "backup": backup_commands.backup,
    "restore": backup_commands.restore,
}


TRAIN = "Train a method: `fergan train METHOD`, the same as its `python -m trainers.x`."


def train_method(words: Sequence[str]) -> int:
    """Train the method that the first word names; the rest is its trainer's command line."""
    from fergan_core.recipe import kinds, method_recipe

    if not words or words[0] in ("--help", "-h"):
        print("usage: fergan train METHOD [FLAGS]; `fergan train METHOD --help` lists the flags\n")
        for kind in kinds():
            print(f"  {kind:<10} {method_recipe(kind).title}")
        return 0 if words else 2
    if words[0] not in kinds():
        near = difflib.get_close_matches(words[0], kinds(), n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise UsageError(f"fergan train: '{words[0]}' is not a method{hint} ({', '.join(kinds())})")
    from trainers.training import train

    return train(f"fergan train {words[0]}", words[0], words[1:])


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `fergan`. Exit: 0 done, 1 failed, 2 wrong use or bad input."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(lambda: _dispatch(words))


def _dispatch(words: list[str]) -> int | None:
    if words and words[0] == "train":
        return train_method(words[1:])
    if words and words[0] in GROUPS:
        description, commands = GROUPS[words[0]]
        return _run(commands, f"fergan {words[0]}", description, words[1:])
    # The groups stand in this list for its help alone; their words went the way above.
    groups = {"train": _group(TRAIN), **{name: _group(description) for name, (description, _) in GROUPS.items()}}
    return _run({**groups, **SINGLE}, "fergan", str(__doc__).replace("`", ""), words)


def _group(description: str) -> Callable[..., int | None]:
    def group() -> None: ...

    group.__doc__ = description
    return group


def _run(
    commands: dict[str, Callable[..., int | None]], prog: str, description: str, words: Sequence[str]
) -> int | None:
    result: int | None = tyro.extras.subcommand_cli_from_dict(
        commands, prog=prog, description=description, args=words, config=(tyro.conf.FlagCreatePairsOff,)
    )
    return result


if __name__ == "__main__":
    sys.exit(main())
