"""Scores as tables in a terminal: with intervals and the values of real faces and of noise; and by emotion."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fergan_core.emotions import EMOTIONS
from fergan_core.metrics.catalogue import CATALOGUE, Metric
from trainers.console import print_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from fergan_core.registry import Score


def print_scores(console: "Console", title: str, scores: "Sequence[Score]", caption: str = "") -> None:
    """Print the scores over all emotions, and those by emotion where there are any, in the catalogue's order."""
    print_table(_together(title, scores, caption), console)
    emotion_scores = [score for score in scores if score.emotion is not None and score.metric in CATALOGUE]
    if emotion_scores:
        print_table(_by_emotion(emotion_scores), console)
    together = {score.metric: score for score in scores if score.emotion is None}
    catalogued = [(metric, together[key]) for key, metric in CATALOGUE.items() if key in together]
    better = [metric.title for metric, s in catalogued if metric.beyond_real(s.value, s.low, s.high, s.real)]
    if better:
        console.print(f"Better than real faces, which is a warning sign: {', '.join(better)}.", highlight=False)


def number(metric: Metric, value: float | None) -> str:
    """Format a score's value with the digits that suit its metric; '' for None."""
    if value is None:
        return ""
    if metric.unit == "share":
        return f"{value:.1%}"
    if metric.unit == "count":
        return f"{value:,.0f}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.2f}"


def _together(title: str, scores: "Sequence[Score]", caption: str) -> "Table":
    from rich.table import Table

    table = Table(title=title, caption=caption)
    table.add_column("score")
    for column in ("value", "95 % interval", "real faces", "noise", "value / real"):
        table.add_column(column, justify="right")
    by_metric = {score.metric: score for score in scores if score.emotion is None}
    for key, metric in CATALOGUE.items():
        score = by_metric.get(key)
        if score is None:
            continue
        interval = ""
        if score.low is not None and score.high is not None:
            interval = f"{number(metric, score.low)} to {number(metric, score.high)}"
        ratio = metric.ratio(score.value, score.real)
        values = (number(metric, score.value), interval, number(metric, score.real), number(metric, score.noise))
        table.add_row(metric.title, *values, "" if ratio is None else f"{ratio:.3f}")
    return table


def _by_emotion(scores: "Sequence[Score]") -> "Table":
    from rich.table import Table

    score_of = {(score.metric, score.emotion): score for score in scores}
    emotions = [name for name in EMOTIONS if any(score.emotion == name for score in scores)]
    table = Table(title="by emotion: value (real faces)")
    table.add_column("score")
    for name in emotions:
        table.add_column(name, justify="right")
    for key, metric in CATALOGUE.items():
        row = [score_of.get((key, name)) for name in emotions]
        if any(row):
            table.add_row(metric.title, *(_pair(metric, score) for score in row))
    return table


def _pair(metric: Metric, score: "Score | None") -> str:
    if score is None:
        return ""
    real = f" ({number(metric, score.real)})" if score.real is not None else ""
    return number(metric, score.value) + real
