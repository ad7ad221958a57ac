"""`python -m trainers.judge`: train a judge of emotion on a dataset, calibrate it, and write it with its card."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from fergan_core.errors import UsageError
from trainers.arguments import arg
from trainers.console import print_table
from trainers.datasets import LabelOrderFlag, open_data
from trainers.shell import guarded

if TYPE_CHECKING:
    from fergan_core.judges.training import EpochReport


@dataclass(frozen=True)
class Flags:
    """Train a judge of emotion: a classifier by whose logits and features generated faces are scored.

    It learns from nine tenths of split train; its best epoch is chosen and its temperature fitted on the held-out
    tenth, and its card reports on split public. Writes NAME.safetensors (half precision) and the card NAME.json.
    """

    data: Annotated[str, arg(metavar="PATH|synthfer")] = "synthfer"
    """FER2013 in any of its published layouts (file or folder), or synthfer, the built-in faces."""
    architecture: Literal["residual", "plain"] = "residual"
    """The network: residual blocks with squeeze-and-excitation, or a plain stack of convolutions."""
    epochs: Annotated[int | None, arg(metavar="INT")] = None
    """Epochs, by default 80; a fine-tuning of an eighth as many follows. For synthfer 8, without a fine-tuning."""
    batch_size: int = 128
    """Images per step."""
    seed: int = 0
    """Seed of everything random in the training."""
    votes: Annotated[Path | None, arg(metavar="fer2013new.csv")] = None
    """Learn from FER+'s votes of ten people instead of FER2013's labels: the CSV of Barsoum et al. (2016)."""
    label_order: LabelOrderFlag = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device to train on; auto is the GPU where there is one."""
    out: Annotated[Path, arg(metavar="DIR")] = Path("judges")
    """Folder to write to; it is created where it does not exist."""
    name: Annotated[str | None, arg(metavar="NAME")] = None
    """Name of the judge and of its files; by default the dataset's."""


def command_of(flags: Flags, epochs: int) -> str:
    """Return the command that trains this judge again; of paths only the last part, as cards are published."""
    data = flags.data if flags.data == "synthfer" else Path(flags.data).name
    votes = f" --votes {flags.votes.name}" if flags.votes is not None else ""
    order = f" --label-order {flags.label_order}" if flags.label_order is not None else ""
    return (
        f"python -m trainers.judge --data {data} --architecture {flags.architecture} --epochs {epochs} "
        f"--batch-size {flags.batch_size} --seed {flags.seed}{votes}{order}"
    )


def run(flags: Flags) -> None:
    """Train the judge that the flags describe, write it, and print its card's measures."""
    if flags.name is not None and (not flags.name.isprintable() or Path(flags.name).name != flags.name):
        raise UsageError(f"--name: '{flags.name}' cannot be a file's name; use letters, digits and hyphens")
    for flag, value in (("--epochs", flags.epochs), ("--batch-size", flags.batch_size)):
        if value is not None and value < 1:
            raise UsageError(f"{flag}: {value} is below 1; give a number of 1 or more")
    # Imported only now: --help and a mistyped flag are answered without torch.
    from fergan_core.data import split_parts
    from fergan_core.data.ferplus import read_votes
    from fergan_core.experiment import choose_device
    from fergan_core.judges.judge import save_judge
    from fergan_core.judges.training import train_judge, training_for

    device = choose_device(flags.device)
    dataset = open_data(flags.data, flags.label_order)
    training = training_for(
        dataset.name,
        architecture=flags.architecture,
        epochs=flags.epochs,
        batch_size=flags.batch_size,
        seed=flags.seed,
    )
    started = time.monotonic()

    def on_progress(report: "EpochReport") -> None:
        mark = "  kept" if report.kept else ""
        epochs = training.epochs + training.fine_tune_epochs
        print(
            f"epoch {report.epoch:>3}/{epochs}  {time.monotonic() - started:6.0f} s  loss {report.loss:.3f}  "
            f"held-out accuracy {report.accuracy:.4f}{mark}",
            file=sys.stderr,
            flush=True,
        )

    votes = None if flags.votes is None else read_votes(flags.votes, dataset)
    parts = split_parts(dataset, seed=0)
    judge = train_judge(dataset, parts, training, device, on_progress, votes)
    card = {**judge.card, "command": command_of(flags, training.epochs)}
    path = save_judge(flags.out, flags.name or dataset.name, judge.tensors, card)
    print_card(card, path)


def print_card(card: dict[str, Any], path: Path) -> None:
    """Print a judge's measures on the held-out and on the report part, before and after temperature scaling."""
    from rich.table import Table

    parts = (card["held_out"], card["report"])
    table = Table(title=path.name, caption=f"{card['parameters']:,} parameters, temperature {card['temperature']:.3f}")
    table.add_column("measure")
    for column in ("held-out", "report"):
        table.add_column(column, justify="right")
    table.add_row("images", *(f"{part['images']:,}" for part in parts))
    table.add_row("accuracy", *(f"{part['accuracy']:.2%}" for part in parts))
    if card["identities"]:
        table.add_row("accuracy, identity", *(f"{part['identity_accuracy']:.2%}" for part in parts))
    for measure in ("nll", "ece"):
        for when in ("before", "after"):
            table.add_row(f"{measure.upper()} {when} scaling", *(f"{part[measure][when]:.4f}" for part in parts))
    table.add_row("IS of real faces", *(_real_score(part) for part in parts))
    print_table(table)
    copies = card["report_with_copies"]
    print(f"with the report part's copies in split train: {copies['accuracy']:.2%} of {copies['images']:,}")
    print(path)


def _real_score(part: dict[str, Any]) -> str:
    score = part.get("inception_score")
    return "" if score is None else f"{score['inception_score']['value']:.3f}"


def main() -> int:
    """Entry point of `python -m trainers.judge`."""
    flags = tyro.cli(Flags, prog="python -m trainers.judge")
    return guarded(lambda: run(flags))


if __name__ == "__main__":
    sys.exit(main())
