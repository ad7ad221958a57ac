"""Do generators depend on their parameters? The share of a score's variance over a study that is due to the seed."""

import pandas as pd

from fergan_core.analysis.claims.claim import Answer, Score, Verdict
from fergan_core.analysis.claims.study import LEAST, Pool, Study, counted, pool, untold
from fergan_core.analysis.studies import sensitivity

HALF = 0.5  # of the variance
_KEY = "parameters"
_FEWEST = 4  # runs with a score, below which shares of variance mean nothing


def parameters(study: Study, score: Score) -> Verdict:
    """Return the verdict on 'GANs depend on their parameters', by the share of a score's variance due to the seed.

    The claim holds where the share's interval lies below HALF, and does not hold where it lies above. A distance's
    variance is that of its logarithm. A run failed if it broke off or has an alarm among its findings.
    """
    pooled = pool(study, score, setting=None)
    if pooled is None:
        return untold(study, _KEY)
    varied, trials = trials_of(pooled)
    scored = trials.dropna(subset=["badness"])
    if len(scored) < _FEWEST or not varied:
        sentence = (
            f"This takes at least {_FEWEST} runs with a score and a varied field; the study has "
            f"{counted(len(scored), 'run')} with a score and {counted(len(varied), 'varied field')}."
        )
        return pooled.verdict(_KEY, "cannot tell", sentence, table=pd.DataFrame())
    # Otherwise a variance due to rounding alone would be divided among the parameters.
    if scored["badness"].nunique() == 1:
        return pooled.verdict(_KEY, "cannot tell", f"All runs have the same {score.title}.", table=pd.DataFrame())
    table = sensitivity.shares(trials, varied, "badness")
    of_seed = table[table["parameter"] == sensitivity.SEED]
    share, low, high = (float(of_seed[name].iloc[0]) for name in ("share", "low", "high"))
    seeds = int(scored.groupby("setting")["seed"].nunique().median())
    if pd.isna(low) or seeds < LEAST:
        sentence = f"This takes at least {LEAST} seeds with a score of each setting; the study has {seeds}."
        return pooled.verdict(_KEY, "cannot tell", sentence, table=table)
    answer: Answer = "holds" if high < HALF else "does not hold" if low > HALF else "cannot tell"
    sentence = (
        f"Of the variance of {_scale(score)} over {counted(len(scored), 'run')}, the seed alone "
        f"explains {share:.0%} (95 % interval {low:.0%} to {high:.0%}) and the settings the rest. {_largest(table)} "
        f"{_extremes(trials, score)}"
    )
    return pooled.verdict(
        _KEY, answer, sentence, smallest=seeds, interval=(low, high),
        of=f"share of the variance of {_scale(score)} due to the seed", table=table,
    )  # fmt: skip


def trials_of(pooled: Pool) -> tuple[list[str], pd.DataFrame]:
    """Return the varied fields, and one row per run: those fields, seed, setting (in words), badness and `failed`."""
    fields = pd.DataFrame.from_records(pooled.runs["fields"].to_list(), index=pooled.runs["run_id"])
    varied = [str(name) for name in fields if fields[name].astype(str).nunique() > 1]
    words = fields[varied].apply(lambda row: ", ".join(f"{name}={value}" for name, value in row.items()), axis=1)
    alarms = set(pooled.findings.loc[pooled.findings["severity"] == "alarm", "run_id"])
    runs = pooled.runs.set_index("run_id")
    last = pooled.scores.drop_duplicates("run_id", keep="last").set_index("run_id")["badness"]
    table = fields[varied].assign(
        seed=runs["seed"], setting=words if varied else "", badness=last,
        failed=[status != "finished" or run_id in alarms for run_id, status in runs["status"].items()],
    )  # fmt: skip
    return varied, table


def _scale(score: Score) -> str:
    return f"log {score.title}" if score.kind == "distance" else score.title


def _largest(table: pd.DataFrame) -> str:
    fields = table[table["parameter"] != sensitivity.SEED].dropna(subset=["share"])
    if fields.empty:
        return ""
    row = fields.sort_values("share").iloc[-1]
    ends = f"{row['low']:.0%} to {row['high']:.0%}"
    return f"The field with the largest share is {row['parameter']}: {row['share']:.0%} (95 % interval {ends})."


def _extremes(trials: pd.DataFrame, score: Score) -> str:
    """Name the best and the worst setting by their mean score, and how often each failed; no score counts as worst."""
    means = trials.groupby("setting")["badness"].mean().sort_values(na_position="last")
    failed = sensitivity.failures(trials, ["setting"], "failed").set_index("value")
    clauses = []
    for word, place in (("best", 0), ("worst", -1)):
        setting, mean = str(means.index[place]), float(means.iloc[place])
        value = "no score" if pd.isna(mean) else f"{score.title} {score.written(mean)}"
        row = failed.loc[setting]
        clauses.append(f"the {word} setting ({setting}; {value}) failed in {row['failed']} of {row['trials']} runs")
    return f"{clauses[0][0].upper()}{clauses[0][1:]}, and {clauses[1]}."
