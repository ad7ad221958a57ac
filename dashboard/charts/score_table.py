"""One protocol's scores -> the table of checkpoints by metrics, and its CSV; pure functions of tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from dashboard.rows import rows_of
from fergan_core.metrics.catalogue import CATALOGUE, written

DEFAULT_METRICS = (
    "is", "accuracy", "fid", "fid_pixels", "fid_random", "kid", "precision", "recall", "coverage", "vendi", "ct"
)  # fmt: skip

# Ground and ink of a value better than real faces', as dashboard/.streamlit/config.toml has them for warnings.
_WARNING = {False: "background-color: #f8ead3; color: #8a5a0b", True: "background-color: #3a2c16; color: #e8c48a"}


class Cell(float):
    """A score as a number to sort by, with what is written of it and whether it is better than real faces'."""

    text: str = ""
    beyond: bool = False


def metrics_of(scores: pd.DataFrame, emotion: str | None) -> list[str]:
    """List the metrics of the catalogue that are known of an emotion (None: all together), in its order."""
    scored = set(of_emotion(scores, emotion).metric)
    return [key for key in CATALOGUE if key in scored]


def of_emotion(scores: pd.DataFrame, emotion: str | None) -> pd.DataFrame:
    """Return the scores of an emotion, None being all together."""
    return scores[scores.emotion.isna() if emotion is None else scores.emotion == emotion]


def score_cells(
    scores: pd.DataFrame, metrics: Sequence[str], labels: Mapping[str, str], emotion: str | None
) -> pd.DataFrame:
    """Lay out one protocol's scores: columns run, epoch and the metrics; rows real faces, noise, then checkpoints.

    `labels` names the runs in their order. Runs whose real faces score differently (they know other emotions, or have
    other data) have rows of their own for real faces and noise.
    """
    chosen = of_emotion(scores, emotion)
    chosen = chosen[chosen.metric.isin(metrics) & chosen.run_id.isin(labels)]
    rows = [*_beside(chosen, metrics, labels, "real"), *_beside(chosen, metrics, labels, "noise")]
    chosen = chosen.dropna(subset=["value"]).sort_values("step")
    checkpoints: dict[str, dict[tuple[int, int], dict[str, Any]]] = {run_id: {} for run_id in labels}
    for row in rows_of(chosen):
        begun = {"run": labels[row.run_id], "epoch": row.epoch}
        checkpoints[row.run_id].setdefault((row.epoch, row.step), begun)[row.metric] = _cell(row)
    rows += [cells for of_run in checkpoints.values() for cells in of_run.values()]
    table = pd.DataFrame(rows, columns=["run", "epoch", *metrics], dtype=object)
    return table.astype({"epoch": "Int64"})


def styled(table: pd.DataFrame, metrics: Sequence[str], *, dark: bool) -> Styler:
    """Write each cell with its interval, and stress those that are better than real faces', beyond their interval."""

    def write(cell: object) -> str:
        return cell.text if isinstance(cell, Cell) else "–"

    def stress(cell: object) -> str:
        return _WARNING[dark] if isinstance(cell, Cell) and cell.beyond else ""

    def write_epoch(epoch: object) -> str:
        return "" if epoch is pd.NA else str(epoch)

    formats: dict[Any, Any] = {"epoch": write_epoch} | dict.fromkeys(metrics, write)
    return table.style.format(formats).map(stress, subset=list(metrics))


def as_csv(scores: pd.DataFrame, metrics: Sequence[str], emotion: str | None) -> bytes:
    """Write the table's scores as a CSV, one row per checkpoint and metric, with all that a score depends on."""
    columns = ["run_id", "run_name", "epoch", "step", "judge", "judge_sha256", "count", "prior", "seed", "truncation"]
    columns += ["real_count", "metric", "emotion", "value", "low", "high", "real", "noise"]
    chosen = of_emotion(scores, emotion)
    return chosen.loc[chosen.metric.isin(metrics), columns].to_csv(index=False).encode()


def _cell(row: Any) -> Cell:
    metric = CATALOGUE[row.metric]
    cell = Cell(row.value)
    cell.beyond = metric.beyond_real(row.value, row.low, row.high, row.real)
    cell.text = written(row.value, metric, row.low, row.high) + (" ⚠" if cell.beyond else "")
    return cell


def _beside(
    scores: pd.DataFrame, metrics: Sequence[str], labels: Mapping[str, str], column: str
) -> list[dict[str, Any]]:
    """Return the rows of real faces or of noise, one for all runs that have the same values.

    Values are the same that read the same, so that no two rows look alike; a value that a run lacks is any.
    """
    title = {"real": "Real faces", "noise": "Noise"}[column]
    reference = scores.dropna(subset=[column]).drop_duplicates(["run_id", "metric"], keep="last")
    cells_of: dict[str, dict[str, Cell]] = {run_id: {} for run_id in labels}
    for row in rows_of(reference):
        cells_of[row.run_id][row.metric] = _plain_cell(row.metric, getattr(row, column))
    groups: list[tuple[dict[str, Cell], list[str]]] = []
    for run_id, cells in cells_of.items():
        group = next((group for group in groups if _agree(group[0], cells)), None)
        if group is not None:
            group[0].update(cells)
            group[1].append(labels[run_id])
        elif cells:
            groups.append((cells, [labels[run_id]]))
    return [
        {"run": title if len(groups) == 1 else f"{title} ({_names(names)})", "epoch": None}
        | {key: cells[key] for key in metrics if key in cells}
        for cells, names in groups
    ]


def _plain_cell(metric: str, value: float) -> Cell:
    cell = Cell(value)
    cell.text = written(value, CATALOGUE[metric])
    return cell


def _agree(one: Mapping[str, Cell], other: Mapping[str, Cell]) -> bool:
    """Tell whether two runs have a metric in common, and no metric with different values."""
    both = one.keys() & other.keys()
    return bool(both) and all(one[key].text == other[key].text for key in both)


def _names(names: Sequence[str]) -> str:
    others = len(names) - 1
    return names[0] + (f" and {others} other{'s' if others > 1 else ''}" if others else "")
