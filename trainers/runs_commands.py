"""`fergan runs`: list, show, tag, annotate, delete, verify, export and import runs."""

import json as json_text
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from fergan_core.errors import RegistryError, UsageError
from trainers.arguments import arg
from trainers.console import console, print_table, when

if TYPE_CHECKING:
    import pandas as pd

    from fergan_core.registry import Reader, Registry

RunArg = Annotated[str, arg(metavar="RUN", help="A run's id, a unique beginning of it, or its name.")]
RegistryFlag = Annotated[
    str | None,
    arg(
        metavar="PATH|URL",
        help="Registry of runs: a path or database URL; by default FERGAN_REGISTRY, or runs.db at the project's top "
        "level.",
    ),
]
JsonFlag = Annotated[bool, arg(help="Print JSON instead of text.")]
_WIDE = 120  # columns of a terminal from which a list of runs has one line per run
_MOST_NAMED = 5  # of the rows that are left out of a list, as on the dashboard's pages
Status = Literal["running", "finished", "interrupted", "diverged", "failed", "crashed"]


def list_runs(
    *,
    registry: RegistryFlag = None,
    status: Annotated[
        Status | None, arg(metavar="STATUS", help=f"Only runs with one status: {', '.join(get_args(Status))}.")
    ] = None,
    tag: Annotated[str | None, arg(metavar="TAG", help="Only runs with this tag.")] = None,
    preset: Annotated[str | None, arg(metavar="PRESET", help="Only runs of this preset.")] = None,
    data: Annotated[str | None, arg(metavar="NAME", help="Only runs on this dataset.")] = None,
    trashed: Annotated[bool, arg(help="List the runs in the trash instead.")] = False,
    json: JsonFlag = False,
) -> None:
    """List the runs, newest first."""
    from fergan_core.registry import Reader

    reader = Reader(registry)
    frame = reader.runs(trashed=trashed)
    _warn_of_left_out(frame.attrs.get("left_out", []))
    for column, value in (("status", status), ("preset", preset), ("data", data)):
        if value is not None:
            frame = frame[frame[column] == value]
    if tag is not None:
        frame = frame[[tag in tags for tags in frame["tags"]]]
    rows = records(frame)
    if not reader.exists:
        print(f"no runs: {_nowhere(reader.url)}", file=sys.stderr)
    if json:
        print_json(rows)
        return
    if not rows:
        if reader.exists:
            print("no runs in the trash" if trashed else "no runs")
        return
    _print_runs(rows)


def _warn_of_left_out(sentences: list[str]) -> None:
    """Print one line on stderr that names rows of the registry that are not listed, and why."""
    if sentences:
        count = "1 row is" if len(sentences) == 1 else f"{len(sentences):,} rows are"
        more = f"; and {len(sentences) - _MOST_NAMED:,} more" if len(sentences) > _MOST_NAMED else ""
        print(f"warning: {count} left out: {'; '.join(sentences[:_MOST_NAMED])}{more}", file=sys.stderr)


def _print_runs(rows: list[dict[str, Any]]) -> None:
    """Print runs as a table; in a narrow terminal preset, data and tags are below the name."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Column, Table
    from rich.text import Text

    output = console()
    wide = output.width >= _WIDE
    names = (
        "id",
        "name",
        "status",
        *(("preset", "data") if wide else ()),
        "epoch",
        "begun",
        *(("tags",) if wide else ()),
    )
    table = Table(
        *(Column(name, no_wrap=name in ("id", "status", "epoch", "begun")) for name in names), box=SIMPLE_HEAD
    )
    for row in rows:
        cells = {**row, "epoch": f"{row['epoch']}/{row['epochs']}", "begun": when(row["created"])}
        cells["tags"] = " ".join(row["tags"])
        if not wide:
            cells["name"] = "\n".join(filter(None, (row["name"], f"{row['preset']} on {row['data']}", cells["tags"])))
        table.add_row(*(Text(cells[name]) for name in names))
    print_table(table, output)


def show(run: RunArg, /, *, registry: RegistryFlag = None, json: JsonFlag = False) -> None:
    """Show everything about a run: recipe, provenance, checkpoints, sheets, evaluations, findings, notes."""
    reader = open_reader(registry)
    run_id = reader.resolve(run)
    document = {
        **reader.run(run_id),
        "checkpoints": records(reader.checkpoints(run_id)),
        "sheets": records(reader.sheets(run_id)),
        "evaluations": _evaluations(reader, run_id),
        "findings": records(reader.findings([run_id])),
    }
    if json:
        print_json(document)
    else:
        _print_run(document)


def tag(
    run: RunArg,
    tags: Annotated[list[str], arg(metavar="TAG...", help="One or more words.")],
    /,
    *,
    remove: Annotated[bool, arg(help="Remove the tags.")] = False,
    registry: RegistryFlag = None,
) -> None:
    """Add tags to a run, or remove them."""
    if not tags:
        raise UsageError("TAG: give at least one word")
    writer, run_id = _writer(registry, run)
    for word in tags:
        (writer.untag if remove else writer.tag)(run_id, word)


def note(
    run: RunArg,
    text: Annotated[str, arg(metavar="TEXT", help="The note.")],
    /,
    *,
    registry: RegistryFlag = None,
) -> None:
    """Add a note to a run."""
    writer, run_id = _writer(registry, run)
    writer.note(run_id, text)


def trash(run: RunArg, /, *, registry: RegistryFlag = None) -> None:
    """Move a run to the trash: it leaves the lists, but nothing is deleted."""
    writer, run_id = _writer(registry, run, trashed="never")
    writer.trash(run_id)
    print(f"run {run_id} is in the trash; `fergan runs restore {run_id}` brings it back")


def restore(run: RunArg, /, *, registry: RegistryFlag = None) -> None:
    """Bring a run back from the trash; `fergan restore` brings a whole registry back from its backup."""
    writer, run_id = _writer(registry, run, trashed="first")
    writer.restore(run_id)
    print(f"run {run_id} is back")


def purge(run: RunArg, /, *, registry: RegistryFlag = None) -> None:
    """Delete a run in the trash permanently, with its files."""
    writer, run_id = _writer(registry, run, trashed="first")
    writer.purge(run_id)
    print(f"run {run_id} is deleted")


def verify(
    *,
    repair: Annotated[
        bool, arg(help="Remove stray files, drop records of lost files, and salvage a damaged database.")
    ] = False,
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> int:
    """Check the database, and every recorded file by its SHA-256; exit status 1 where anything is damaged."""
    from trainers.verify_command import verify as check

    return check(registry, repair=repair, json=json)


def export(
    runs: Annotated[list[str], arg(metavar="RUN...", help="Runs: ids, unique beginnings of them, or names.")],
    /,
    *,
    out: Annotated[Path | None, arg(metavar="FILE.zip", help="Archive to write of one run with its files.")] = None,
    light: Annotated[bool, arg(help="With --out: of the checkpoints only the last one's weights.")] = False,
    csv: Annotated[Path | None, arg(metavar="DIR", help="New folder for the tables of the runs, as CSV.")] = None,
    parquet: Annotated[
        Path | None, arg(metavar="DIR", help="New folder for the tables of the runs, as Parquet.")
    ] = None,
    registry: RegistryFlag = None,
) -> None:
    """Write a run and its files to one .zip, which `import` reads on another machine; or all tables of runs."""
    if [out, csv, parquet].count(None) != 2:
        raise UsageError("choose one of --out FILE.zip, --csv DIR and --parquet DIR")
    if not runs or (out is not None and len(runs) > 1):
        raise UsageError("RUN: name one run for --out, one or more for --csv and --parquet")
    if light and out is None:
        raise UsageError("--light: tables have no weights; use it with --out")
    reader = open_reader(registry)
    run_ids = list(dict.fromkeys(reader.resolve(run) for run in runs))
    if out is not None:
        from fergan_core.registry.exchange.archive import export_run

        print(f"{out}: {export_run(reader, run_ids[0], out, light=light) / 1e6:,.1f} MB")
        return
    from fergan_core.registry.exchange.tables import run_tables, write_tables

    tables = run_tables(reader, run_ids)
    folder = csv or parquet
    assert folder is not None
    write_tables(tables, folder, "csv" if csv else "parquet")
    rows = ", ".join(f"{name} {len(table):,}" for name, table in tables.items())
    print(f"{folder}: rows of {rows}")


def import_(
    archive: Annotated[Path, arg(metavar="FILE.zip", help="An archive that `export` wrote.")],
    /,
    *,
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> None:
    """Import a run from an archive: completely, or not at all where anything in it is wrong."""
    from fergan_core.registry import Registry
    from fergan_core.registry.exchange.archive import import_run

    writer = Registry(registry)
    run_id = import_run(writer, archive)
    name = writer.reader.run(run_id)["name"]
    if json:
        print_json({"id": run_id, "name": name})
    else:
        print(f"run {run_id}  {name}")


COMMANDS: dict[str, Callable[..., int | None]] = {
    "list": list_runs,
    "show": show,
    "tag": tag,
    "note": note,
    "trash": trash,
    "restore": restore,
    "purge": purge,
    "verify": verify,
    "export": export,
    "import": import_,
}


def records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return a table's rows as plain values; NaN becomes None, as JSON has none."""
    columns = [str(column) for column in frame.columns]
    return [dict(zip(columns, map(_plain, row), strict=True)) for row in frame.itertuples(index=False, name=None)]


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def open_reader(registry: str | None) -> "Reader":
    from fergan_core.registry import Reader

    reader = Reader(registry)
    if not reader.exists:
        raise RegistryError(f"--registry: {_nowhere(reader.url)}")
    return reader


def _nowhere(url: str) -> str:
    from fergan_core.registry.connect import sqlite_path

    return f"there is no registry at '{sqlite_path(url) or url}'; a training makes one there"


def open_registry(registry: str | None) -> "Registry":
    """Open a registry that is there for writing; RegistryError, with nothing made, where there is none."""
    from fergan_core.registry import Registry
    from fergan_core.registry.connect import full_url, sqlite_path

    url = full_url(registry)
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise RegistryError(f"--registry: {_nowhere(url)}")
    return Registry(registry)  # brings an older schema up to date, which a Reader refuses


def _writer(
    registry: str | None, run: str, trashed: Literal["first", "last", "never"] = "last"
) -> tuple["Registry", str]:
    """Open a registry for writing and find a run in it, as `Reader.resolve` does."""

    writer = open_registry(registry)
    return writer, writer.reader.resolve(run, trashed=trashed)


def _evaluations(reader: "Reader", run_id: str) -> list[dict[str, Any]]:
    """Return a run's evaluations, each with its list of scores."""
    from fergan_core.protocols import BESIDE_JUDGE

    about = ("epoch", "step", "judge", "judge_sha256", *BESIDE_JUDGE, "real_count")
    evaluations: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in records(reader.scores([run_id])):
        key = tuple(row[name] for name in about)
        evaluation = evaluations.setdefault(key, {**{name: row[name] for name in about}, "scores": []})
        evaluation["scores"].append({name: row[name] for name in ("metric", "emotion", "value", "low", "high", "real")})
    return list(evaluations.values())


def print_json(value: Any) -> None:
    print(json_text.dumps(_plain(value), allow_nan=False))


def _code(provenance: dict[str, Any]) -> str:
    commit = provenance.get("git_commit") or ""
    return f"{commit} and changes" if commit and provenance.get("git_dirty") else commit


def _print_run(run: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from fergan_core.protocols import words

    output = console()
    reason = f" ({run['reason']})" if run["reason"] else ""
    about = {
        "run": f"{run['id']}  {run['name']}",
        "status": f"{run['status']}{reason}, epoch {run['epoch']}/{run['epochs']}, step {run['step']:,}",
        "data": f"{run['data']} {run['data_hash'][:12]}",
        "begun": when(run["created"]),
        "in the trash": "" if run["trashed"] is None else f"since {when(run['trashed'])}",
        "tags": " ".join(run["tags"]),
        "recipe": json_text.dumps(run["recipe"]),
        "code": _code(run["provenance"]),
        "command": str(run["provenance"].get("command", "")),
        "checkpoints": ", ".join(str(row["epoch"]) for row in run["checkpoints"]),
        "sheets": str(len(run["sheets"])),
    }
    grid = Table.grid(padding=(0, 2))
    for name, text in about.items():
        if text:
            grid.add_row(Text(name), Text(text))
    for finding in run["findings"]:
        grid.add_row(Text(f"step {finding['step']}"), Text(f"{finding['severity']}: {finding['sentence']}"))
    for note_row in run["notes"]:
        grid.add_row(Text(when(note_row["created"])), Text(note_row["text"]))
    print_table(grid, output)
    if not run["evaluations"]:
        return
    table = Table("epoch", "judge and protocol", "metric", "value", "95 % interval", "real images")
    for evaluation in run["evaluations"]:
        protocol = words(evaluation)
        for score in evaluation["scores"]:
            if score["emotion"] is None:
                low, high = score["low"], score["high"]
                cells = (
                    str(evaluation["epoch"]),
                    protocol,
                    score["metric"],
                    "" if score["value"] is None else f"{score['value']:.4f}",
                    "" if low is None or high is None else f"{low:.4f} to {high:.4f}",
                    "" if score["real"] is None else f"{score['real']:.4f}",
                )
                table.add_row(*(Text(cell) for cell in cells))
    print_table(table, output)
