"""Scalars from a CSV: a step column, a column a scalar; Weights & Biases' exports of charts and histories are such."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fergan_core.errors import DataError
from fergan_core.registry.exchange.foreign_run import ALONE, ForeignRun
from fergan_core.registry.rows import MOST

_STEPS = ("step", "_step", "global_step")
_BETWEEN = " - "  # a run's name and a scalar's, in the export of a chart
_EXTREMES = {"__MIN": 1, "__MAX": 2}  # with their places in a point


class _Column(NamedTuple):
    """A column of the file: its place, title, run ('' for the file's own), scalar, and place in a point."""

    place: int
    title: str
    run: str
    scalar: str
    of_point: int


def read(path: Path) -> list[ForeignRun]:
    """Read a CSV's scalars, a run for each that it names; DataError, with file, row and column, where it cannot.

    Empty cells are skipped; NaN and infinities are recorded as values. Columns that start with an underscore, which W&B
    adds itself, and a column 'Wall time' are skipped.
    """
    lines = _lines(path)
    _, header = next(lines, (0, []))
    step_place, columns = _columns(path, header)
    runs: dict[str, ForeignRun] = {}
    for line, cells in lines:
        if len(cells) != len(header):
            raise DataError(f"'{path}', row {line}: {len(cells)} cells under {len(header)} titles; save it as CSV anew")
        step = _step(path, line, header[step_place], cells[step_place])
        for column in columns:
            cell = cells[column.place].strip()
            if not cell:
                continue
            run = runs.setdefault(column.run, ForeignRun(column.run or path.stem))
            by_step = run.points.setdefault(column.scalar, {})
            point = list(by_step.get(step, (float("nan"), *ALONE)))
            point[column.of_point] = _number(path, line, column.title, cell)
            by_step[step] = (point[0], point[1], point[2])
    return list(runs.values())


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty with their numbers in the file, counted from 1."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            for cells in rows:
                if any(cell.strip() for cell in cells):
                    yield rows.line_num, cells
    except UnicodeDecodeError:
        raise DataError(f"'{path}' is not text in UTF-8; save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise DataError(f"'{path}', row {rows.line_num}: {error}; save it as CSV anew") from None
    except OSError as error:
        raise DataError(f"'{path}' cannot be read ({error.strerror})") from None


def _columns(path: Path, header: list[str]) -> tuple[int, list[_Column]]:
    """Return the place of the step column, and the columns of scalars."""
    titles = [title.strip() for title in header]
    steps = [place for place, title in enumerate(titles) if title.lower() in _STEPS]
    if not steps:
        raise DataError(f"'{path}': no column is called {', '.join(_STEPS)}; name the one that counts the steps so")
    twice = [title for title, count in Counter(filter(None, titles)).items() if count > 1]
    if twice:
        raise DataError(f"'{path}': two columns are called '{twice[0]}'; rename one of them")
    others = [(place, title) for place, title in enumerate(titles) if title and place != steps[0]]
    named = [(place, title) for place, title in others if not _is_own(title)]
    of_runs = bool(named) and all(_BETWEEN in title for _, title in named)
    columns = []
    for place, title in named:
        run, scalar = title.rsplit(_BETWEEN, 1) if of_runs else ("", title)
        suffix = scalar[-5:]
        of_point = _EXTREMES.get(suffix, 0)
        columns.append(_Column(place, title, run, scalar[:-5] if of_point else scalar, of_point))
    columns = [column for column in columns if column.scalar and not _is_own(column.scalar)]
    if not columns:
        raise DataError(f"'{path}': there is no column of a scalar beside '{titles[steps[0]]}'")
    return steps[0], columns


def _is_own(title: str) -> bool:
    return title.startswith("_") or title.lower() == "wall time"


def _step(path: Path, line: int, title: str, cell: str) -> int:
    number = _number(path, line, title, cell.strip())
    if number != number or not 0 <= number <= MOST or number != int(number):
        raise DataError(
            f"'{path}', row {line}, column '{title}': '{cell}' is not a step; give a whole number from 0 on"
        )
    return int(number)


def _number(path: Path, line: int, title: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise DataError(
            f"'{path}', row {line}, column '{title}': '{cell:.40}' is not a number; correct it, or leave the cell empty"
        ) from None
