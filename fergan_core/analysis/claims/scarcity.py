"""Do generators collapse with little data, and with few steps? Two questions to one study of several data sizes."""

from dataclasses import replace

import pandas as pd
from scipy.stats import fisher_exact

from fergan_core.analysis.claims.claim import Answer, Score, Verdict
from fergan_core.analysis.claims.study import COLLAPSES, LEAST, Pool, Study, counted, pool, untold
from fergan_core.analysis.studies.groups import compare
from fergan_core.analysis.t_intervals import mean_interval

NEAR = 0.1  # share of the images seen by which two evaluations may differ and still stand beside each other
EARLY = 0.25  # share of a training that is few steps
_SURE = 0.05


def little_data(study: Study, score: Score) -> Verdict:
    """Return the verdict on 'GANs collapse with little data': the smallest size against the largest.

    Both after the most images seen that all sizes reach. It holds where the score is worse (Welch's interval leaves 0
    out) or more runs have a collapse among their findings (Fisher's exact test, p < 0.05) and the other does not say
    the contrary: each errs in this direction at most once in 40 times, both together once in 20. It does not hold
    where the interval ends below a tenth of the score and no greater share of runs has a collapse.
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
            f"{counted(len(small), 'run')} with {few:,} training faces and {len(large):,} with {many:,} have seen as "
            f"many images: train {LEAST} seeds or more of each."
        )
        return pooled.verdict("data", "cannot tell", sentence)
    gap = compare(large["badness"].to_list(), small["badness"].to_list())
    until = rows.groupby("images")["step"].max()
    with_few, with_many = (_collapsed(pooled, size, int(until[size])) for size in (few, many))
    p = float(fisher_exact([[hit, total - hit] for hit, total in (with_few, with_many)]).pvalue)
    more = with_few[0] / with_few[1] - with_many[0] / with_many[1]
    no_worse = gap.high < score.margin(gap.first)
    worse, better = gap.low > 0 and not no_worse, gap.high < 0
    answer: Answer = "cannot tell"
    if (worse and not (more < 0 and p < _SURE)) or (more > 0 and p < _SURE and not better):
        answer = "holds"
    elif no_worse and more <= 0:
        answer = "does not hold"
    sentence = (
        f"After {rows['images_seen'].median():,.0f} images seen, {score.title} is {score.written(gap.second)} with "
        f"{few:,} training faces and {score.written(gap.first)} with {many:,}: "
        f"{score.difference(gap.difference, gap.low, gap.high)}. A collapse was found in {with_few[0]} of "
        f"{counted(with_few[1], 'run')} against {with_many[0]} of {with_many[1]} (Fisher's exact test, p = {p:.2g})."
    )
    if away := pooled.scores["run_id"].nunique() - len(rows):
        sentence += f" Left out: {counted(away, 'run')} not scored near so many images."
    return pooled.verdict(
        "data", answer, sentence + _broken(pooled), smallest=min(len(small), len(large)),
        interval=score.interval(gap.low, gap.high), of=_what(score, "the fewest faces", "the most"),
    )  # fmt: skip


def few_steps(study: Study, score: Score) -> Verdict:
    """Return the verdict on 'GANs collapse with few steps': first against last evaluation, with the most faces.

    A first evaluation is worse than the last of whatever learns at all, so a collapse must be seen as well: one that
    began in the first quarter and had passed by the end. It holds where the paired t interval leaves 0 out and most
    runs had one; it does not hold where the interval ends below a tenth of the score and no run had one.
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
        sentence = f"{counted(len(first), 'run')} with {many:,} training faces: train {LEAST} seeds or more."
        return pooled.verdict("steps", "cannot tell", sentence)
    late = float((first["step"] / last["step"]).median())
    if late > EARLY:
        sentence = f"The first evaluation came after {late:.0%} of the training: have one in its first {EARLY:.0%}."
        return pooled.verdict("steps", "cannot tell", sentence)
    worse, low, high, _ = mean_interval((first["badness"] - last["badness"]).to_list())
    passed = sum(_passed(pooled.findings, str(run_id), int(step)) for run_id, step in last["step"].items())
    no_worse = high < score.margin(float(last["badness"].mean()))
    answer: Answer = "cannot tell"
    if low > 0 and not no_worse and passed > len(first) / 2:
        answer = "holds"
    elif no_worse and not passed:
        answer = "does not hold"
    recovered_in = "no run" if not passed else f"{passed} of {counted(len(first), 'run')}"
    sentence = (
        f"With {many:,} training faces, {score.title} is {score.written(float(first['badness'].mean()))} after "
        f"{first['images_seen'].median():,.0f} images seen and {score.written(float(last['badness'].mean()))} after "
        f"{last['images_seen'].median():,.0f}: at first {score.difference(worse, low, high)}. In {recovered_in} an "
        f"emotion collapsed in the first {EARLY:.0%} of the training and recovered."
    )
    if low > 0 and not passed:
        sentence += " Few steps make worse faces; that they are fewer is not shown."
    return pooled.verdict(
        "steps", answer, sentence + _broken(pooled), smallest=len(first), interval=score.interval(low, high),
        of=_what(score, "the first evaluation", "the last"),
    )  # fmt: skip


def at_most_images(scores: pd.DataFrame) -> pd.DataFrame:
    """Return each run's evaluation at the most images seen that all sizes reach, a size by the median of its runs.

    Runs that have none within NEAR of it have no row.
    """
    ends = scores.groupby(["images", "run_id"])["images_seen"].max()
    most = ends.groupby("images").quantile(0.5, interpolation="lower").min()
    away = (scores["images_seen"] - most).abs()
    near: pd.DataFrame = scores.assign(away=away)[away <= NEAR * most].sort_values("away", kind="stable")
    return near.drop_duplicates("run_id").sort_values(["images", "seed"]).drop(columns="away").reset_index(drop=True)


def _pool(study: Study, score: Score) -> Pool | None:
    return pool(study, score, setting=("images",), loose=("epochs",), evaluations=2)


def _of_size(pooled: Pool, images: int) -> Pool:
    runs, scores = (table[table["images"] == images] for table in (pooled.runs, pooled.scores))
    return replace(pooled, runs=runs, scores=scores)


def _trouble(pooled: Pool) -> str:
    """Say why there is nothing to compare; '' where there is."""
    if pooled.scores.empty:
        return _unscored(pooled)
    sizes = pooled.runs["images"].unique()
    return "" if len(sizes) > 1 else f"All runs learnt from {counted(int(sizes[0]), 'face')}: train with fewer too."


def _unscored(pooled: Pool) -> str:
    return f"None of {counted(len(pooled.runs), 'run')} has two evaluations with this score: train with --eval-every."


def _collapsed(pooled: Pool, images: int, step: int) -> tuple[int, int]:
    """Count the runs of a size in which a collapse began up to a step, and all of that size."""
    run_ids = set(pooled.runs.loc[pooled.runs["images"] == images, "run_id"])
    rows = pooled.findings
    hit = rows[rows["kind"].isin(COLLAPSES) & (rows["step"] <= step) & rows["run_id"].isin(run_ids)]
    return int(hit["run_id"].nunique()), len(run_ids)


def _passed(findings: pd.DataFrame, run_id: str, last: int) -> bool:
    """Tell whether an emotion collapsed early in a run and did not stay so: an alarm is one that lasts to the end."""
    collapses = findings[(findings["run_id"] == run_id) & (findings["kind"] == "collapse")]
    return bool(((collapses["step"] <= EARLY * last) & (collapses["severity"] != "alarm")).any())


def _broken(pooled: Pool) -> str:
    broken = len(pooled.broken)
    return f" Of {counted(len(pooled.runs), 'run')} {broken} broke off, without a score here." if broken else ""


def _what(score: Score, worse: str, better: str) -> str:
    if score.kind == "share":
        return f"{score.title} lost, {worse} against {better}"
    return f"{score.title} of {worse} by that of {better}"
