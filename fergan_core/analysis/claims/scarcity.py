"""Do generators collapse with little data, and with few steps? Two claims tested by one study of several data sizes."""

from dataclasses import replace

import pandas as pd
import scipy

from fergan_core.analysis.claims.claim import Answer, Score, Verdict
from fergan_core.analysis.claims.study import COLLAPSES, LEAST, Pool, Study, counted, pool, untold
from fergan_core.analysis.studies.groups import compare
from fergan_core.analysis.t_intervals import mean_interval

NEAR = 0.1  # relative difference in images seen up to which two evaluations are compared
EARLY = 0.25  # share of a training that counts as few steps
_SIGNIFICANT = 0.05


def little_data(study: Study, score: Score) -> Verdict:
    """Return the verdict on 'GANs collapse with little data': the smallest dataset against the largest.

    Both are compared after the largest number of images seen that all sizes reach. The claim holds where the score is
    worse (Welch's interval excludes 0) or more runs have a collapse among their findings (Fisher's exact test, p <
    0.05), unless the other criterion says the opposite: each errs in this direction with probability 1/40, both
    together with 1/20. It does not hold where the interval ends below a tenth of the score and no greater share of
    runs has a collapse.
    """
    pooled = _pool(study, score)
    if pooled is None:
        return untold(study, "data")
    if trouble := _trouble(pooled):
        return pooled.verdict("data", "cannot tell", trouble)
    rows, sizes = at_most_images(pooled.scores), pooled.runs["images"]
    groups = {int(size): rows[rows["images"] == size] for size in (sizes.min(), sizes.max())}
    (few, small), (many, large) = groups.items()
    if min(len(small), len(large)) < LEAST:
        sentence = (
            f"This takes at least {LEAST} seeds of each size, scored after the same number of images; the study has "
            f"{len(small)} with {few:,} training faces and {len(large)} with {many:,}."
        )
        return pooled.verdict("data", "cannot tell", sentence)
    gap = compare(large["badness"].to_list(), small["badness"].to_list())
    until = rows.groupby("images")["step"].max()
    with_few, with_many = (_collapsed(pooled, size, int(until[size])) for size in (few, many))
    p = float(scipy.stats.fisher_exact([[hit, total - hit] for hit, total in (with_few, with_many)]).pvalue)
    more = with_few[0] / with_few[1] - with_many[0] / with_many[1]
    no_worse = gap.high < score.margin(gap.first)
    worse, better = gap.low > 0 and not no_worse, gap.high < 0
    answer: Answer = "cannot tell"
    if (worse and not (more < 0 and p < _SIGNIFICANT)) or (more > 0 and p < _SIGNIFICANT and not better):
        answer = "holds"
    elif no_worse and more <= 0:
        answer = "does not hold"
    sentence = (
        f"After {rows['images_seen'].median():,.0f} images seen, {score.title} is {score.written(gap.second)} with "
        f"{few:,} training faces and {score.written(gap.first)} with {many:,}: "
        f"{score.difference(gap.difference, gap.low, gap.high)}. A collapse was found in {with_few[0]} of "
        f"{counted(with_few[1], 'run')} against {with_many[0]} of {with_many[1]} (Fisher's exact test, p = {p:.2g})."
    )
    if unscored := pooled.scores["run_id"].nunique() - len(rows):
        sentence += f" Left out: {counted(unscored, 'run')} without a score near that number of images."
    return pooled.verdict(
        "data", answer, sentence + _broken(pooled), smallest=min(len(small), len(large)),
        interval=score.interval(gap.low, gap.high), of=_compared(score, "with the fewest faces", "with the most faces"),
    )  # fmt: skip


def few_steps(study: Study, score: Score) -> Verdict:
    """Return the verdict on 'GANs collapse with few steps': first against last evaluation, with the most faces.

    Whatever learns at all is worse at first than at the end, so a collapse must be found as well: one that began in
    the first quarter and was over by the end. The claim holds where the paired t interval excludes 0 and most runs had
    such a collapse; it does not hold where the interval ends below a tenth of the score and no run had one.
    """
    pooled = _pool(study, score)
    if pooled is None:
        return untold(study, "steps")
    many = int(pooled.runs["images"].max())
    pooled = _of_size(pooled, many)
    if pooled.scores.empty:
        return pooled.verdict("steps", "cannot tell", _unscored(pooled))
    by_run = pooled.scores.groupby("run_id")
    first, last = by_run.first(), by_run.last()
    if len(first) < LEAST:
        sentence = f"This takes at least {LEAST} seeds with {many:,} training faces; the study has {len(first)}."
        return pooled.verdict("steps", "cannot tell", sentence)
    late = float((first["step"] / last["step"]).median())
    if late > EARLY:
        sentence = (
            f"The first evaluation came after {late:.0%} of the training; this takes one within the first {EARLY:.0%}."
        )
        return pooled.verdict("steps", "cannot tell", sentence)
    worse, low, high, _ = mean_interval((first["badness"] - last["badness"]).to_list())
    passed = sum(_passed(pooled.findings, str(run_id), int(step)) for run_id, step in last["step"].items())
    no_worse = high < score.margin(float(last["badness"].mean()))
    answer: Answer = "cannot tell"
    if low > 0 and not no_worse and passed > len(first) / 2:
        answer = "holds"
    elif no_worse and not passed:
        answer = "does not hold"
    sentence = (
        f"With {many:,} training faces, {score.title} is {score.written(float(first['badness'].mean()))} after "
        f"{first['images_seen'].median():,.0f} images seen and {score.written(float(last['badness'].mean()))} after "
        f"{last['images_seen'].median():,.0f}: at first {score.difference(worse, low, high)}. An emotion "
        f"that collapsed in the first {EARLY:.0%} of the training and later recovered was found in "
        f"{passed or 'none'} of {counted(len(first), 'run')}."
    )
    if low > 0 and not passed:
        sentence += " Few steps make worse faces; that they make fewer different ones is not shown."
    return pooled.verdict(
        "steps", answer, sentence + _broken(pooled), smallest=len(first), interval=score.interval(low, high),
        of=_compared(score, "at the first evaluation", "at the last evaluation"),
    )  # fmt: skip


def at_most_images(scores: pd.DataFrame) -> pd.DataFrame:
    """Return each run's evaluation at the largest number of images seen that the median run of every size reaches.

    Runs without an evaluation within NEAR of that number are left out.
    """
    ends = scores.groupby(["images", "run_id"])["images_seen"].max()
    target = ends.groupby("images").quantile(0.5, interpolation="lower").min()
    distance = (scores["images_seen"] - target).abs()
    near: pd.DataFrame = scores.assign(distance=distance)[distance <= NEAR * target]
    nearest = near.sort_values("distance", kind="stable").drop_duplicates("run_id")
    return nearest.sort_values(["images", "seed"]).drop(columns="distance").reset_index(drop=True)


def _pool(study: Study, score: Score) -> Pool | None:
    return pool(study, score, setting=("images",), loose=("epochs",), evaluations=2)


def _of_size(pooled: Pool, images: int) -> Pool:
    runs, scores = (table[table["images"] == images] for table in (pooled.runs, pooled.scores))
    return replace(pooled, runs=runs, scores=scores)


def _trouble(pooled: Pool) -> str:
    """Say why nothing can be compared; '' where something can."""
    if pooled.scores.empty:
        return _unscored(pooled)
    sizes = pooled.runs["images"].unique()
    return "" if len(sizes) > 1 else f"All runs learnt from {counted(int(sizes[0]), 'face')}: train with fewer too."


def _unscored(pooled: Pool) -> str:
    return f"None of {counted(len(pooled.runs), 'run')} has two evaluations with this score: train with --eval-every."


def _collapsed(pooled: Pool, images: int, step: int) -> tuple[int, int]:
    """Return the number of runs of a size with a collapse that began by a step, and the number of all of that size."""
    run_ids = set(pooled.runs.loc[pooled.runs["images"] == images, "run_id"])
    rows = pooled.findings
    hit = rows[rows["kind"].isin(COLLAPSES) & (rows["step"] <= step) & rows["run_id"].isin(run_ids)]
    return int(hit["run_id"].nunique()), len(run_ids)


def _passed(findings: pd.DataFrame, run_id: str, last: int) -> bool:
    """Tell whether an emotion collapsed early in a run and recovered: a collapse that lasts to the end is an alarm."""
    collapses = findings[(findings["run_id"] == run_id) & (findings["kind"] == "collapse")]
    return bool(((collapses["step"] <= EARLY * last) & (collapses["severity"] != "alarm")).any())


def _broken(pooled: Pool) -> str:
    broken = len(pooled.broken)
    return f" {broken} of {counted(len(pooled.runs), 'run')} broke off; the scores are the others'." if broken else ""


def _compared(score: Score, worse: str, better: str) -> str:
    """Say what the interval is of."""
    if score.kind == "share":
        return f"{score.title} {better} minus {score.title} {worse}"
    return f"{score.title} {worse} divided by {score.title} {better}"
