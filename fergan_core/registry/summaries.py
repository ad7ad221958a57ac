"""All runs at a glance: the scores that stand for each, and how much it has to show; few queries, however many runs."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa

from fergan_core import protocols
from fergan_core.registry import scores
from fergan_core.registry.queries import Reader
from fergan_core.registry.schema import CheckpointRow, EvaluationRow, FindingRow, RunRow, SheetRow

HEADLINE = ("fid", "accuracy", "is")
"""The metrics by which a run is known in a list."""

_MOST_KEYS = 20_000  # in one query: SQLite takes 32,766 parameters


def preferred_evaluations(reader: Reader, *, trashed: bool = False) -> pd.DataFrame:
    """Return each run's evaluations under one protocol, the one that `protocols.preferred_of_each_run` prefers, of the
    runs outside the trash (with `trashed`, of those in it) in order of steps.

    Columns: evaluation (its key), run_id, run_name, data, epoch, step, judge, judge_sha256, count, prior, seed,
    truncation, real_count.
    """
    of_kind = RunRow.trashed.is_not(None) if trashed else RunRow.trashed.is_(None)
    evaluations = scores.comparable(reader.table(scores.evaluations_query(of_kind)))
    left_out = evaluations.attrs.get("left_out", [])
    sampled = [protocol.get("sampling") is not None for protocol in evaluations["protocol"]]
    evaluations = evaluations[~pd.Series(sampled, index=evaluations.index, dtype=bool)]
    complete = [protocols.complete(protocol) for protocol in evaluations.pop("protocol")]
    fields = pd.DataFrame(complete, index=evaluations.index, columns=[*protocols.BESIDE_JUDGE, "real_count"])
    # One row an evaluation: the metric and the emotion, by which a table of scores is told apart, are not needed.
    evaluations = evaluations.join(fields.astype(object)).assign(metric="", emotion=None)
    preferred = protocols.preferred_of_each_run(evaluations).drop(columns=["metric", "emotion"])
    preferred = preferred.sort_values("step", kind="stable").reset_index(drop=True)
    preferred.attrs["left_out"] = left_out
    return preferred


def newest_evaluations(preferred: pd.DataFrame) -> pd.DataFrame:
    """Return the last of each run's `preferred_evaluations`, the one whose scores stand for the run."""
    return preferred.drop_duplicates("run_id", keep="last")


def with_scores(reader: Reader, evaluations: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Return some metrics' scores, of all emotions together, of `preferred_evaluations`: columns as of
    `Reader.scores`, without evaluation and emotion."""
    keys = [int(key) for key in evaluations["evaluation"]]
    tables = [
        reader.table(scores.of_evaluations(keys[first : first + _MOST_KEYS], metrics))
        for first in range(0, max(1, len(keys)), _MOST_KEYS)
    ]
    numbers = pd.concat(tables).astype(dict.fromkeys(scores.NUMBERS, float))
    return evaluations.merge(numbers, on="evaluation").drop(columns="evaluation").reset_index(drop=True)


def headlines(reader: Reader, metrics: Sequence[str] = HEADLINE) -> pd.DataFrame:
    """Return the scores that stand for each run outside the trash: columns as of `Reader.scores`, without
    evaluation and emotion.

    They are those of one evaluation a run: its newest under the protocol that `protocols.preferred_of_each_run`
    prefers. What is read are all evaluations and these scores alone: there are a hundred times as many scores.
    """
    preferred = preferred_evaluations(reader)
    table = with_scores(reader, newest_evaluations(preferred), metrics)
    table.attrs["left_out"] = preferred.attrs["left_out"]
    return table


def newest_findings(reader: Reader, runs: int = 4) -> pd.DataFrame:
    """Return one finding of each of the runs outside the trash in which something was found last, the newest first.

    It is the first of the run's gravest. Columns: run_id, name, created, severity, kind, sentence, and count, the
    number of the run's findings.
    """
    last = sa.func.max(FindingRow.created)
    query = (
        sa.select(FindingRow.run_key, RunRow.id.label("run_id"), RunRow.name, sa.func.count().label("count"))
        .join(RunRow, RunRow.key == FindingRow.run_key)
        .where(RunRow.trashed.is_(None))
        .group_by(FindingRow.run_key, RunRow.id, RunRow.name)
        .order_by(last.desc(), FindingRow.run_key.desc())
        .limit(runs)
    )
    newest = reader.table(query)
    columns = (FindingRow.run_key, FindingRow.created, FindingRow.severity, FindingRow.kind, FindingRow.sentence)
    of_runs = FindingRow.run_key.in_([int(key) for key in newest["run_key"]])
    found = reader.table(sa.select(*columns).where(of_runs).order_by(FindingRow.step, FindingRow.key))
    order = found["severity"].map({name: place for place, name in enumerate(("alarm", "warning", "info"))})
    gravest = found.assign(order=order).sort_values("order", kind="stable").drop_duplicates("run_key")
    return newest.merge(gravest, on="run_key").drop(columns=["run_key", "order"])


def contents(reader: Reader) -> pd.DataFrame:
    """Return how much each run outside the trash has to show, by run_id (index): the numbers of its sheets,
    checkpoints, evaluations and findings, and its alarms."""
    alarm = sa.case((FindingRow.severity == "alarm", 1), else_=0)
    counts: dict[str, tuple[type[SheetRow | CheckpointRow | EvaluationRow | FindingRow], sa.ColumnElement[int]]] = {
        "sheets": (SheetRow, sa.func.count()),
        "checkpoints": (CheckpointRow, sa.func.count()),
        "evaluations": (EvaluationRow, sa.func.count()),
        "findings": (FindingRow, sa.func.count()),
        "alarms": (FindingRow, sa.func.sum(alarm)),
    }
    runs = reader.table(sa.select(RunRow.key, RunRow.id).where(RunRow.trashed.is_(None)))
    table = pd.DataFrame(index=pd.Index(runs["key"], name="run_key"))
    for name, (rows, number) in counts.items():
        of_run = reader.table(sa.select(rows.run_key, number.label(name)).group_by(rows.run_key))
        table[name] = of_run.set_index("run_key")[name]
    return table.fillna(0).astype(int).set_index(pd.Index(runs["id"], name="run_id"))


def datasets(reader: Reader) -> list[dict[str, Any]]:
    """Return the datasets that runs outside the trash were trained on, those of most runs first.

    Each as the runs recorded it (`name`, `source`, `content_hash`, maybe `label_order`), with all `sources` where it
    lay, the newest first, and the ids of its `runs`. The literature's, of which nobody has the data, is left out.
    """
    table = reader.table(
        sa.select(RunRow.id, RunRow.dataset).where(RunRow.trashed.is_(None)).order_by(RunRow.created.desc())
    )
    found: dict[str, dict[str, Any]] = {}
    for run_id, dataset in zip(table["id"], table["dataset"], strict=True):
        content = dataset.get("content_hash")
        if not content or not dataset.get("source"):
            continue
        entry = found.setdefault(content, {**dataset, "sources": [], "runs": []})
        entry["runs"].append(run_id)
        if dataset["source"] not in entry["sources"]:
            entry["sources"].append(dataset["source"])
    return sorted(found.values(), key=lambda entry: -len(entry["runs"]))
