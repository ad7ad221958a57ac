"""`fergan`: train, evaluate and compare runs, inspect datasets, manage the registry."""

import difflib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro

import fergan_core
from fergan_core.errors import UsageError
from trainers import (
    backup_commands,
    claims,
    data_commands,
    directions_command,
    evaluate_commands,
    import_command,
    rate_commands,
    replay,
    report_commands,
    runs_commands,
)
from trainers.arguments import arg
from trainers.datasets import LabelOrderFlag
from trainers.runs_commands import JsonFlag, RegistryFlag
from trainers.shell import guarded

SamplerFlag = Annotated[
    str | None,
    arg(metavar="NAME", help="Sampler of diffusion, flow or MeanFlow; by default the recipe's."),
]
GuidanceFlag = Annotated[
    float | None, arg(metavar="FLOAT", help="Classifier-free guidance; by default the recipe's, 1 is none.")
]
DataArg = Annotated[str, arg(metavar="PATH|synthfer", help="FER2013 in any of its layouts, or the built-in faces.")]


def data_info(path: DataArg, /, *, label_order: LabelOrderFlag = None, json: JsonFlag = False) -> None:
    """Count a dataset's images by file, split and emotion, those left out, and duplicates."""
    data_commands.info(path, label_order=label_order, json=json)


def data_sheet(
    path: DataArg,
    /,
    *,
    out: Annotated[Path, arg(metavar="FILE.png", help="Picture to write.")],
    label_order: LabelOrderFlag = None,
) -> None:
    """Draw a contact sheet of a dataset, one row per emotion."""
    data_commands.sheet(path, out=out, label_order=label_order)


def evaluate(
    runs: Annotated[
        list[str],
        arg(metavar="RUN[@EPOCH|@all]...", help="Runs: each one's last checkpoint, that of an epoch, or all."),
    ],
    /,
    *,
    images: Annotated[Path | None, arg(metavar="FILE.npz|DIR", help="Score these faces instead of runs.")] = None,
    label_order: LabelOrderFlag = None,
    data: Annotated[
        str | None,
        arg(metavar="PATH|synthfer", help="The real faces; by default the run's training data."),
    ] = None,
    registry: RegistryFlag = None,
    count: Annotated[
        int | None, arg(metavar="INT", help="Faces to draw; by default 10,000, with --light 2,000.")
    ] = None,
    prior: Annotated[
        Literal["natural", "balanced"],
        arg(help="Label prior: emotions as frequent as in the data, or equally frequent."),
    ] = "natural",
    truncation: Annotated[float, arg(help="Factor on every latent, above 0 to 1; 1 is no truncation.")] = 1.0,
    judge: Annotated[
        tuple[str, ...],
        arg(metavar="NAME|PATH...", help="Judges, the main one first; by default both judges of the dataset."),
    ] = (),
    seed: Annotated[int, arg(help="Seed of the faces.")] = 0,
    light: Annotated[
        bool, arg(help="Score as during training: one judge, 2,000 faces, no CAS and no Jacobian.")
    ] = False,
    inception: Annotated[bool, arg(help="Score by the standard Inception-v3 too, to compare with papers.")] = False,
    inception_weights: Annotated[
        Path | None, arg(metavar="FILE", help="Inception's weights, where they are not in PyTorch's cache.")
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], arg(help="Device to draw on; auto is the GPU where there is one.")
    ] = "auto",
    sampler: SamplerFlag = None,
    steps: Annotated[
        tuple[int, ...],
        arg(metavar="INT...", help="Numbers of sampler steps, each scored separately."),
    ] = (),
    guidance: GuidanceFlag = None,
    json: JsonFlag = False,
) -> None:
    """Score runs' checkpoints by the judges and record the scores, or score faces from files."""
    drawing = evaluate_commands.Drawing(seed, device, sampler, steps, guidance)
    wishes = evaluate_commands.Wishes(count, prior, truncation, judge, light, inception, inception_weights, drawing)
    if (images is None) == (not runs):
        raise UsageError("name either runs, as in `fergan evaluate RUN@all`, or faces, as in `--images FILE.npz`")
    if label_order is not None and images is None:
        raise UsageError("--label-order: it is for faces from files; use it with --images FILE.npz")
    if images is not None:
        evaluate_commands.evaluate_images(images, wishes, order=label_order, data=data, json=json)
    else:
        evaluate_commands.evaluate_runs(runs, wishes, registry=registry, data=data, json=json)


def sample(
    run: Annotated[str, arg(metavar="RUN[@EPOCH]", help="A run: its last checkpoint, or that of an epoch.")],
    /,
    *,
    out: Annotated[Path, arg(metavar="FILE.npz|DIR|FILE.png", help="Where to write the faces.")],
    per_emotion: Annotated[int, arg(help="Faces of each emotion.")] = 100,
    seed: Annotated[int, arg(help="Seed of the faces.")] = 0,
    registry: RegistryFlag = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], arg(help="Device to draw on; auto is the GPU where there is one.")
    ] = "auto",
    sampler: SamplerFlag = None,
    steps: Annotated[int | None, arg(metavar="INT", help="Steps of the sampler; by default the recipe's.")] = None,
    guidance: GuidanceFlag = None,
) -> None:
    """Draw faces of every emotion from a checkpoint, as an array file, pictures in folders, or a contact sheet.

    They are written at the end, all or none; the same seed gives the same faces.
    """
    drawing = evaluate_commands.Drawing(seed, device, sampler, () if steps is None else (steps,), guidance)
    evaluate_commands.sample(run, drawing, registry=registry, per_emotion=per_emotion, out=out)


def compare_runs(
    runs: Annotated[
        list[str],
        arg(metavar="RUN...", help="Runs of two or more recipes or methods, several seeds of each."),
    ],
    /,
    *,
    budget: Annotated[
        Literal["seconds", "images", "flops"],
        arg(help="Budget at which they are compared: training time, images seen, or operations."),
    ] = "seconds",
    at: Annotated[
        float | None,
        arg(
            metavar="N",
            help="The budget in seconds, images or TFLOP; by default that of the run that spent least.",
        ),
    ] = None,
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> None:
    """Compare recipes or methods at an equal budget over their seeds: scores, intervals, verdicts."""
    from trainers.compare import compare

    compare(runs, budget, at, registry=registry, json=json)


def replay_run(
    run: Annotated[str, arg(metavar="RUN", help="Run to train again in part.")],
    /,
    *,
    first: Annotated[int, arg(name="from", help="Epoch whose checkpoint the replay starts from.")],
    last: Annotated[int, arg(name="to", help="Epoch after which it ends.")],
    registry: RegistryFlag = None,
    data: Annotated[
        str | None,
        arg(metavar="PATH|synthfer", help="The training data; by default where they were in training."),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], arg(help="Device to train on; auto is the GPU where there is one.")
    ] = "auto",
) -> int:
    """Train some epochs of a run again, bit for bit, measured at every step; recorded as a fork."""
    return replay.replay(run, first, last, registry=registry, data=data, device=device)


def findings(
    runs: Annotated[list[str], arg(metavar="RUN...", help="Runs to examine.")],
    /,
    *,
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> None:
    """Detect again what went wrong in runs, replace their recorded findings, and list them."""
    from trainers.findings import look_again

    if not runs:
        raise UsageError("name one or more runs, as in `fergan findings RUN`; `fergan runs list` lists them")
    look_again(runs, registry=registry, json=json)


def judge_claims(
    *,
    score: Annotated[
        Literal["coverage", "recall", "fid"],
        arg(help="Score to judge by; convergence is always judged by FID."),
    ] = "coverage",
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> None:
    """Judge the claims of the 2022 course project about GANs by the studies in the registry."""
    claims.judge(score, registry=registry, json=json)


def showcase(
    runs: Annotated[
        list[str],
        arg(metavar="RUN...", help="Runs to keep in full; results from the literature are always kept."),
    ],
    /,
    *,
    out: Annotated[Path, arg(metavar="runs.db", help="Registry to write; its files go beside it.")],
    brief: Annotated[
        tuple[str, ...],
        arg(
            metavar="RUN...",
            help="Runs to keep with coarse curves and one sheet (none for trials of a study), without weights.",
        ),
    ] = (),
    drawable: Annotated[
        tuple[str, ...],
        arg(metavar="RUN...", help="Runs to keep with coarse curves, four sheets and the last weights."),
    ] = (),
    registry: RegistryFlag = None,
) -> None:
    """Write a small registry of some runs, to be committed: thinned points, few sheets, light weights."""
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
    "data": ("Inspect a dataset.", {"info": data_info, "sheet": data_sheet}),
    "rate": ("Let people judge faces; see, export and delete what they answered.", rate_commands.COMMANDS),
}
SINGLE: dict[str, Callable[..., int | None]] = {
    "evaluate": evaluate,
    "sample": sample,
    "compare": compare_runs,
    "replay": replay_run,
    "claims": judge_claims,
    "findings": findings,
    "directions": directions_command.directions,
    "import": import_command.import_foreign,
    "report": report_commands.report,
    "showcase": showcase,
    "backup": backup_commands.backup,
    "restore": backup_commands.restore,
}


TRAIN = "Train a method: `fergan train METHOD`; `fergan train` lists the methods."


def train_method(words: Sequence[str]) -> int:
    """Train the method that the first word names; the other words are its trainer's flags."""
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
    if words == ["--version"]:
        print(f"fergan {fergan_core.__version__}")
        return 0
    if words and words[0] == "train":
        return train_method(words[1:])
    if words and words[0] in GROUPS:
        description, commands = GROUPS[words[0]]
        return _run(commands, f"fergan {words[0]}", description, words[1:])
    # The groups are in this list for its help alone; their commands are handled above.
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
