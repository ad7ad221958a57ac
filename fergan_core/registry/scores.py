"""Scores in the registry: how an evaluation's are written, and how many runs' are read as one table."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fergan_core import protocols
from fergan_core.registry.connect import inserted_key
from fergan_core.registry.rows import PROTOCOL_FIELDS, leave_out
from fergan_core.registry.schema import EvaluationRow, RunRow, ScoreRow

NUMBERS = ("value", "low", "high", "real", "noise")


@dataclass(frozen=True)
class Score:
    """One number of an evaluation: its 95 % interval, the real images' value and noise's, its emotion (None: all)."""

    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    real: float | None = None
    emotion: str | None = None
    noise: float | None = None


def replace_evaluation(
    connection: Connection,
    run_key: int,
    *,
    epoch: int,
    step: int,
    judge: str,
    judge_sha256: str,
    protocol: Mapping[str, Any],
    scores: Sequence[Score],
) -> None:
    """Write an evaluation with its scores, in place of the same judge's under the same protocol at the same step."""
    protocol_key = json.dumps(protocol, sort_keys=True)
    connection.execute(
        sa.delete(EvaluationRow).where(
            EvaluationRow.run_key == run_key,
            EvaluationRow.step == step,
            EvaluationRow.judge_sha256 == judge_sha256,
            EvaluationRow.protocol_key == protocol_key,
        )
    )
    evaluation_key = inserted_key(
        connection.execute(
            sa.insert(EvaluationRow).values(
                run_key=run_key,
                step=step,
                epoch=epoch,
                judge=judge,
                judge_sha256=judge_sha256,
                protocol=dict(protocol),
                protocol_key=protocol_key,
                created=time.time(),
            )
        )
    )
    rows = [
        {
            "evaluation_key": evaluation_key,
            "metric": score.metric,
            "emotion": score.emotion or "",
            **{name: _null_if_nan(getattr(score, name)) for name in NUMBERS},
        }
        for score in scores
    ]
    if rows:
        connection.execute(sa.insert(ScoreRow), rows)


def _null_if_nan(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


# What `comparable` and `as_table` need of a run and its evaluation.
_OF_EVALUATION = (
    RunRow.id.label("run_id"),
    RunRow.name.label("run_name"),
    RunRow.data,
    EvaluationRow.epoch,
    EvaluationRow.step,
    EvaluationRow.judge,
    EvaluationRow.judge_sha256,
    EvaluationRow.protocol,
    RunRow.literature,
    EvaluationRow.key.label("evaluation"),
)


def evaluations_query(*conditions: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
    """Select the evaluations of runs, with what `comparable` and `as_table` need of them and their runs."""
    return (
        sa.select(*_OF_EVALUATION)
        .join(RunRow, RunRow.key == EvaluationRow.run_key)
        .where(*conditions)
        .order_by(RunRow.created, EvaluationRow.step, EvaluationRow.key)
    )


def query(*conditions: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
    """Select the scores of runs by their evaluation's key, without what `evaluations_query` says of it."""
    return (
        sa.select(
            RunRow.id.label("run_id"),  # by which the sentence about a row that is left out names its run
            ScoreRow.evaluation_key.label("evaluation"),
            ScoreRow.metric,
            ScoreRow.emotion,
            *(ScoreRow.__table__.c[name] for name in NUMBERS),
        )
        .join(EvaluationRow, EvaluationRow.key == ScoreRow.evaluation_key)
        .join(RunRow, RunRow.key == EvaluationRow.run_key)
        .where(*conditions)
    )


def of_evaluations(keys: Sequence[int], metrics: Sequence[str]) -> sa.Select[*tuple[Any, ...]]:
    """Select some metrics' scores of evaluations, of all emotions together."""
    return sa.select(
        ScoreRow.evaluation_key.label("evaluation"),
        ScoreRow.metric,
        *(ScoreRow.__table__.c[name] for name in NUMBERS),
    ).where(ScoreRow.evaluation_key.in_(keys), ScoreRow.metric.in_(metrics), ScoreRow.emotion == "")


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out, and name, scores that cannot be compared: their protocol lacks a field. The literature's stay."""
    has_fields = [all(protocol.get(name) is not None for name in PROTOCOL_FIELDS) for protocol in frame["protocol"]]
    lacking = ~(pd.Series(has_fields, index=frame.index, dtype=bool) | frame.pop("literature").astype(bool))
    return leave_out(frame, lacking, "scores are left out: their protocol lacks its count, prior or seed")


def as_table(
    evaluations: pd.DataFrame, scores: pd.DataFrame, recipes: Mapping[str, Mapping[str, Any]] | None
) -> pd.DataFrame:
    """Return the scores of comparable evaluations with their protocols' fields as columns.

    Without `recipes` only those of faces drawn as the recipe says. With the runs' recipes by id all of them, with the
    columns sampler, steps and guidance.
    """
    left_out = [*evaluations.attrs.get("left_out", []), *scores.attrs.get("left_out", [])]
    samplings = None
    if recipes is None:
        by_recipe = evaluations["protocol"].map(lambda protocol: "sampling" not in protocol).astype(bool)
        evaluations = evaluations[by_recipe].reset_index(drop=True)
    else:
        pairs = zip(evaluations["protocol"], evaluations["run_id"], strict=True)
        rows = [_sampling(protocol, recipes[run_id]) for protocol, run_id in pairs]
        samplings = pd.DataFrame(
            rows, index=evaluations["evaluation"], columns=["sampler", "steps", "guidance"], dtype=object
        )
    complete = [protocols.complete(protocol) for protocol in evaluations["protocol"]]
    evaluations = evaluations.drop(columns="protocol")
    for position, name in enumerate((*protocols.BESIDE_JUDGE, "real_count")):
        values = pd.Series([protocol[name] for protocol in complete], dtype=object, index=evaluations.index)
        evaluations.insert(7 + position, name, values)
    scores = scores.drop(columns="run_id").astype({"evaluation": int})
    table = evaluations.astype({"evaluation": int}).merge(scores, on="evaluation")
    table["emotion"] = table["emotion"].replace({"": None})
    table = table.astype(dict.fromkeys(NUMBERS, float))
    if samplings is not None:
        table = table.join(samplings, on="evaluation")
    if left_out:
        table.attrs["left_out"] = left_out
    return table


def _sampling(protocol: Mapping[str, Any], recipe: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Return by which sampler, in how many steps and with how much guidance an evaluation's faces were drawn."""
    method = recipe.get("method", {})
    sampling = {
        "sampler": method.get("sampler"),
        "steps": method.get("sample_steps"),
        "guidance": method.get("guidance"),
        **protocol.get("sampling", {}),
    }
    return sampling["sampler"], sampling["steps"], sampling["guidance"]
