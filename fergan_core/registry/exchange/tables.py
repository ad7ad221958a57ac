"""All of some runs as tables for other programs, a file each; their columns stay as docs/record.md lists them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import sqlalchemy as sa

from fergan_core.errors import RegistryError
from fergan_core.files import atomic_write
from fergan_core.recipe import flat
from fergan_core.registry.queries import Reader
from fergan_core.registry.schema import CheckpointRow, MetricRow, PointRow, RunRow, SheetRow

RUN_COLUMNS = (
    "run_id", "name", "status", "reason", "method", "preset", "data", "data_hash", "seed", "device", "epoch", "epochs",
    "step", "steps", "images_seen", "created", "finished", "parent", "parent_step", "tags",
)  # fmt: skip
SCORE_COLUMNS = (
    "run_id", "epoch", "step", "judge", "judge_sha256", "count", "prior", "seed", "truncation", "real_count", "sampler",
    "sampler_steps", "guidance", "metric", "emotion", "value", "low", "high", "real", "noise",
)  # fmt: skip
FINDING_COLUMNS = ("run_id", "epoch", "step", "kind", "severity", "sentence", "numbers", "created")


def run_tables(reader: Reader, run_ids: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return the tables `runs`, `points`, `scores`, `findings`, `checkpoints` and `sheets` of runs.

    In `runs` each field of a recipe is a column `recipe.FIELD`. Times are UTC; lists and objects are JSON text.
    """
    findings = reader.findings(run_ids)
    scores = reader.scores(run_ids, sampled=True).rename(columns={"steps": "sampler_steps"})
    return {
        "runs": _runs(reader, run_ids),
        "points": _points(reader, run_ids),
        "scores": scores.reindex(columns=list(SCORE_COLUMNS)),
        "findings": _as_plain(findings.reindex(columns=list(FINDING_COLUMNS))),
        "checkpoints": _as_plain(_of_runs(reader, CheckpointRow, run_ids)),
        "sheets": _as_plain(_of_runs(reader, SheetRow, run_ids)),
    }


def write_tables(tables: dict[str, pd.DataFrame], folder: Path, kind: Literal["csv", "parquet"]) -> None:
    """Write tables as NAME.csv or NAME.parquet into a new folder, all of them or none.

    In a CSV a point whose value is NaN says so, and an empty cell is a value that is not there. RegistryError where the
    folder is there already with something in it, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RegistryError(f"--{kind}: '{folder}' is there already; name a folder that is new or empty")
    try:
        with atomic_write(folder) as temporary:
            temporary.mkdir(parents=True)
            for name, table in tables.items():
                if kind == "parquet":
                    table.to_parquet(temporary / f"{name}.parquet", index=False)
                else:
                    _with_nan(name, table).to_csv(temporary / f"{name}.csv", index=False)
    except OSError as error:
        raise RegistryError(
            f"--{kind}: '{folder}' cannot be written ({error.strerror}); choose another place"
        ) from None


def _runs(reader: Reader, run_ids: Sequence[str]) -> pd.DataFrame:
    rows = []
    for run_id in run_ids:
        run = reader.run(run_id)
        about = {"run_id": run_id, **{name: run[name] for name in RUN_COLUMNS[1:]}}
        rows.append(about | {f"recipe.{name}": value for name, value in flat(run["recipe"]).items()})
    table = pd.DataFrame(rows, columns=None if rows else list(RUN_COLUMNS))
    return _as_plain(table)


def _points(reader: Reader, run_ids: Sequence[str]) -> pd.DataFrame:
    table = reader.table(
        sa.select(
            RunRow.id.label("run_id"), MetricRow.name.label("metric"), PointRow.step, PointRow.value, PointRow.low,
            PointRow.high,
        )
        .join(RunRow, RunRow.key == PointRow.run_key)
        .join(MetricRow, MetricRow.key == PointRow.metric_key)
        .where(RunRow.id.in_(run_ids))
        .order_by(RunRow.key, MetricRow.name, PointRow.step)
    )  # fmt: skip
    return table.astype({"step": np.int64, "value": float, "low": float, "high": float})


def _of_runs(reader: Reader, table: type[CheckpointRow] | type[SheetRow], run_ids: Sequence[str]) -> pd.DataFrame:
    columns = [column for column in table.__table__.columns if column.name != "run_key"]
    return reader.table(
        sa.select(RunRow.id.label("run_id"), *columns)
        .join(RunRow, RunRow.key == table.run_key)
        .where(RunRow.id.in_(run_ids))
        .order_by(RunRow.key, table.step)
    )


def _as_plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with times as such, and with lists, objects and mixed fields as JSON text."""
    changed = {}
    for name in table.columns:
        column = table[name]
        if name in ("created", "finished"):
            changed[name] = pd.to_datetime(column.astype(float), unit="s", utc=True)
        elif column.dtype == object and not column.map(lambda value: value is None or isinstance(value, str)).all():
            changed[name] = column.map(_text)
    return table.assign(**changed)


def _text(value: object) -> str | None:
    import json

    if value is None or isinstance(value, str) or value != value:
        return None if not isinstance(value, str) else value
    return json.dumps(value)


def _with_nan(name: str, table: pd.DataFrame) -> pd.DataFrame:
    return (
        table.assign(value=table["value"].astype(object).where(table["value"].notna(), "NaN"))
        if name == "points"
        else table
    )
