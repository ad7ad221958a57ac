"""Whether a verdict stands elsewhere: by another judge, and by the distance in other spaces of features.

A verdict by one judge's features may only say what this judge has learnt. So the same runs are compared by another
judge that scored the same evaluations, and, where the score is a distance, in the spaces that know no emotion.
"""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from fergan_core.analysis.comparison import PairedComparison
from fergan_core.protocols import BESIDE_JUDGE, filled, judges_for, once

SPACES = {
    "fid": "the judge's features",
    "fid_pixels": "pixels' principal components",
    "fid_random": "a random network's features",
}
_BY_JUDGE = ("fid", "kid")  # distances in the judge's own features


def other_spaces(metric: str) -> dict[str, str]:
    """Return the distances in other spaces than a score's own, with what a sentence calls these; {} for others."""
    if metric in _BY_JUDGE:
        return {key: words for key, words in SPACES.items() if key != "fid"}
    return {key: words for key, words in SPACES.items() if key != metric} if metric in SPACES else {}


def by_other_judges(scores: pd.DataFrame, chosen: pd.DataFrame, matched: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the evaluations that are compared as other judges scored those of two rivals or more, by the judge's name.

    `scores` are the runs' of all protocols, `chosen` those of the one, `matched` what `comparison.matched` made of
    these; each table returned has the form of `matched`.
    """
    protocol = filled(chosen).iloc[0]
    scores = filled(scores)
    same = (scores[BESIDE_JUDGE] == protocol[BESIDE_JUDGE]).all(axis=1)
    others = scores[same & (scores.judge_sha256 != protocol.judge_sha256)]
    rivals = matched[["rival", "run_id", "seed", "step", "spent"]].drop_duplicates(["run_id", "step"])
    by_judge = {}
    for (judge, sha256), rows in others.groupby(["judge", "judge_sha256"], sort=False):
        # The protocol's seed is that of the faces; the rivals' is that of the training.
        rows = once(rows).drop(columns="seed").merge(rivals, on=["run_id", "step"])[matched.columns]
        if rows.rival.nunique() > 1:
            by_judge[f"judge {judge} ({sha256[:8]})"] = rows
    return by_judge


def contradictions(
    pair: PairedComparison,
    elsewhere: Mapping[str, Sequence[PairedComparison]],
    formatted: Callable[[float], str] = lambda value: f"{value:.3g}",
) -> list[str]:
    """Return a sentence for each place at which a verdict's two rivals are in the opposite order.

    `elsewhere` holds comparisons by a score of the same direction, by what a sentence calls the place. A verdict that
    names no better rival is not contradicted.
    """
    if pair.winner is None:
        return []
    winner, other = pair.rivals[pair.winner], pair.rivals[1 - pair.winner]
    lead = pair.means[pair.winner] - pair.means[1 - pair.winner]
    sentences = []
    for place, comparisons in elsewhere.items():
        for again in comparisons:
            means = dict(zip(again.rivals, again.means, strict=True))
            if means.keys() == {winner, other} and (means[winner] - means[other]) * lead < 0:
                chance = ", by no more than chance may give" if again.winner is None else ""
                values = f"'{other}' {formatted(means[other])}, '{winner}' {formatted(means[winner])}"
                sentences.append(f"By {place} the order is the other way round{chance}: {values}.")
    return sentences


def unscored(matched: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """Return a sentence for the scores, title by key, that leave out the same rivals, because these lack them."""
    together = matched[matched.emotion.isna()].dropna(subset=["value"])
    rivals = list(dict.fromkeys(matched.rival))
    lacked: dict[tuple[str, ...], list[str]] = {}
    for key, title in titles.items():
        having = set(together.rival[together.metric == key])
        lacked.setdefault(tuple(rival for rival in rivals if rival not in having), []).append(title)
    return [
        f"Not known of {_names(lacking, rivals)}: {'; '.join(of_them)}. Too few faces, or the evaluation is older than "
        "the score; `fergan evaluate RUN` makes it anew."
        for lacking, of_them in lacked.items()
        if lacking
    ]


def _names(lacking: Sequence[str], rivals: Sequence[str]) -> str:
    return "any of these" if len(lacking) == len(rivals) else ", ".join(f"'{rival}'" for rival in lacking)


def one_judge(chosen: pd.DataFrame) -> str:
    """Say that no other judge has scored the evaluations of one protocol, and how to have one do so."""
    first = chosen.iloc[0]
    other = next(judge for judge in judges_for(str(first.data)) if judge != first.judge)
    return (
        f"These verdicts rest on one judge; `fergan evaluate RUN@all --judge {other} --count {int(first['count'])}` "
        "scores by another."
    )
