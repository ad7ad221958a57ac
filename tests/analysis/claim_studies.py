"""Hand-made studies whose correct verdicts are known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fergan_core.analysis.claims import Study

BATCH = 50
RUNS = ["run_id", "name", "status", "seed", "data", "data_hash", "created", "images", "recipe"]
PROTOCOL = {"judge": "j", "judge_sha256": "1" * 64, "count": 2000, "prior": "natural", "seed": 0, "truncation": 1.0}
FINDINGS = ["run_id", "step", "kind", "severity"]


def run(
    seed: int,
    values: Sequence[float],
    *,
    metric: str = "coverage",
    images: int = 1000,
    every: int = 100,
    spread: float = float("nan"),
    status: str = "finished",
    data: str = "faces",
    created: float = 0.0,
    protocol: dict[str, Any] | None = None,
    findings: Sequence[tuple[str, int, str]] = (),
    **recipe: Any,
) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """One run's row, its scores (an evaluation `every` so many steps), and its findings (kind, step, severity).

    `spread` is the log ratio of the end of a score's interval to the score.
    """
    fields = {"batch_size": BATCH, "epochs": 10, "seed": seed, "method": {"kind": "gan", "width": 16}} | recipe
    run_id = f"{data}-{images}-{seed}-{len(values)}-{created}-{sorted(recipe.items())}"
    row = dict(zip(RUNS, [run_id, run_id, status, seed, data, data, created, images, fields], strict=True))
    scores = [
        {"run_id": run_id, "metric": metric, "emotion": None, "epoch": epoch, "step": epoch * every, "value": value}
        | {"low": value * np.exp(-spread), "high": value * np.exp(spread), "real": 0.9}
        | PROTOCOL
        | (protocol or {})
        for epoch, value in enumerate(values, 1)
    ]
    return (
        row,
        scores,
        [dict(zip(FINDINGS, (run_id, step, kind, severity), strict=True)) for kind, step, severity in findings],
    )


def study(*runs: tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]) -> Study:
    columns = ["run_id", "metric", "emotion", "epoch", "step", "value", "low", "high", "real", *PROTOCOL]
    return Study(
        pd.DataFrame([row for row, _, _ in runs], columns=RUNS),
        pd.DataFrame([score for _, scores, _ in runs for score in scores], columns=columns),
        pd.DataFrame([finding for _, _, findings in runs for finding in findings], columns=FINDINGS),
    )


def around(middle: float, seed: int, by: float = 0.01) -> float:
    """A value near `middle` that depends on the seed; the mean over seeds 0 to 4 is `middle`."""
    return middle + by * (seed - 2)
