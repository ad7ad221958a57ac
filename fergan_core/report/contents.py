"""What a report holds, as plain data: texts, tables, charts, pictures. Nothing here is in any markup.

Texts are FerGAN's own sentences, in which commands stand between backticks, unless a field's comment says that they
are other people's: names, notes, tags and recipes may hold anything and are only ever text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fergan_core.browser import Network

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Rows of cells under their columns' titles; the first `words` columns are words, the others numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    words: int = 1


@dataclass(frozen=True)
class Fact:
    """A name and what is to be said of it."""

    name: str
    text: str


@dataclass(frozen=True)
class Fields:
    """Names and values under a title: settings, versions. Values may be other people's."""

    title: str
    values: tuple[Fact, ...]


@dataclass(frozen=True)
class Line:
    """A curve with its band: all of one length, in order of x; `low` and `high` are NaN where there is no band.

    Of curves on one chart `place` tells which it is, and so its colour and dashes.
    """

    name: str
    place: int
    x: Floats
    y: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Chart:
    """Curves on one pair of axes, with horizontal lines for real faces' values; `alt` says in words what is seen.

    `share` writes its values in percent, `marked` marks each point. `span` is that of the y axis, by default the
    curves'.
    """

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    alt: str
    real: tuple[float, ...] = ()
    scale: Literal["linear", "log"] = "linear"
    share: bool = False
    marked: bool = False
    span: tuple[float, float] | None = None


@dataclass(frozen=True)
class Figure:
    """Charts of one size beside each other, and what their lines and bands are; `small` ones are one of many."""

    title: str
    charts: tuple[Chart, ...]
    note: str
    small: bool = False


@dataclass(frozen=True)
class Picture:
    """A grid of faces as a file of `kind` (image/webp, ...), `width` x `height` px; its rows' names, if it has any."""

    content: bytes
    kind: str
    width: int
    height: int
    caption: str
    alt: str
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class FindingPart:
    """What happened in a training, in a sentence, with faces before and after it."""

    title: str
    severity: str
    epoch: int
    sentence: str
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Headline:
    """A score that stands for a run, with its 95 % interval and real faces' value ('' where unknown)."""

    title: str
    value: str
    interval: str
    real: str


@dataclass(frozen=True)
class RunPart:
    """Everything about one run; `missing` has a sentence for each part that is not there, by the part's name."""

    run_id: str
    name: str  # other people's, as are tags and notes
    tags: tuple[str, ...]
    notes: tuple[Fact, ...]
    summary: str
    warnings: tuple[str, ...]
    headlines: tuple[Headline, ...]
    scored_by: str
    evidence: tuple[Fact, ...]
    sheets: tuple[Picture, ...]
    figures: tuple[Figure, ...]
    scores: tuple[Table, ...]
    findings: tuple[FindingPart, ...]
    recipe: Table | None
    recipe_note: str
    recipe_fields: tuple[Fields, ...]
    command: str  # as it was typed
    command_note: str
    provenance: Fields
    missing: dict[str, str]
    generator: Network | None = None  # with which a reader makes faces

    def tables(self) -> Iterator[Table]:
        """Yield what a paper may need: the scores, and what the recipe changes of its preset."""
        yield from self.scores
        yield from () if self.recipe is None else (self.recipe,)


@dataclass(frozen=True)
class ComparisonPart:
    """Two runs or more beside each other: settings, scores of one protocol, verdicts, curves.

    `remarks` weaken or explain the verdicts. `missing` is as in RunPart.
    """

    differences: tuple[Table, ...]
    scores: tuple[Table, ...]
    verdicts: tuple[Table, ...]
    remarks: tuple[str, ...]
    figures: tuple[Figure, ...]
    missing: dict[str, str]

    def tables(self) -> Iterator[Table]:
        """Yield the tables in the order of the report."""
        yield from (*self.scores, *self.verdicts, *self.differences)


@dataclass(frozen=True)
class Citation:
    """How to cite: a line of text, and BibTeX."""

    text: str
    bibtex: str


@dataclass(frozen=True)
class Report:
    """A report on one run or several, with the time at which it was made, as a person reads it."""

    title: str  # with other people's names in it
    made: str
    runs: tuple[RunPart, ...]
    comparison: ComparisonPart | None
    citation: Citation

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Yield all tables with the name of their run, '' for those of several runs."""
        if self.comparison is not None:
            yield from (("", table) for table in self.comparison.tables())
        for run in self.runs:
            yield from ((run.name, table) for table in run.tables())
