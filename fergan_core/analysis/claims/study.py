"""A study's runs, and those of them that may be put beside each other: one data set, one recipe, one judge.

What differs is never pooled: of several data sets or recipes that with the most runs is taken, of several judges and
protocols the one that `fergan_core.protocols.preferred` puts first. What is left out is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fergan_core.analysis.claims.claim import Answer, Score, Verdict, claim
from fergan_core.analysis.studies.groups import ENOUGH
from fergan_core.protocols import numbers, preferred, words
from fergan_core.recipe import key_of, training_fields

LEAST = 3  # seeds below which nothing is told
ENDED = ("finished", "diverged", "failed")
COLLAPSES = ("collapse", "global-collapse", "repeats")


@dataclass(frozen=True)
class Study:
    """A study's tables.

    `runs`: run_id, name, status, seed, data, data_hash, created, images, recipe (a dict); `scores` and `findings` as
    the registry's reader gives them.
    """

    runs: pd.DataFrame
    scores: pd.DataFrame
    findings: pd.DataFrame


@dataclass(frozen=True)
class Pool:
    """Runs that may be compared, each seed of a setting once.

    `runs` holds all that ended, with `setting` and `fields` (the recipe as one flat dict); `scores` those of the
    finished ones under one protocol: run_id, epoch, step, value, badness, low, high, real, and the run's seed, images,
    setting and `images_seen`. `apart` are sentences on what was left out.
    """

    runs: pd.DataFrame
    scores: pd.DataFrame
    findings: pd.DataFrame
    apart: tuple[str, ...]
    protocol: str

    @property
    def broken(self) -> pd.DataFrame:
        """Return the runs that broke off."""
        return self.runs[self.runs["status"] != "finished"]

    def verdict(
        self,
        key: str,
        answer: Answer,
        sentence: str,
        *,
        smallest: int = 0,
        interval: tuple[float, float] | None = None,
        of: str = "",
        table: pd.DataFrame | None = None,
    ) -> Verdict:
        """Return a verdict that rests on these runs; `smallest` is how many seeds its smallest group has."""
        decided = answer in ("holds", "does not hold")
        low, high = interval or (None, None)
        return Verdict(
            claim(key),
            answer,
            ("shown" if smallest >= ENOUGH else "suggested") if decided else None,
            " ".join([sentence, *self.apart]),
            low,
            high,
            of,
            tuple(self.runs["run_id"]),
            int(self.runs["seed"].nunique()),
            str(self.runs["data"].iloc[0]),
            self.protocol,
            self.scores if table is None else table,
        )


def pool(
    study: Study, score: Score, *, setting: Sequence[str] | None, loose: Sequence[str] = (), evaluations: int = 1
) -> Pool | None:
    """Return the runs that can be compared by a score; None where none has ended.

    `setting` names the recipe's fields in which they may differ, None all; `loose` those that may differ within a
    setting too. A finished run without so many `evaluations` under the protocol is left out.
    """
    ended = study.runs[study.runs["status"].isin(ENDED)].sort_values("created")
    if ended.empty:
        return None
    # With the images that there really were, of which the recipe may name none or more.
    learnt = [
        training_fields(recipe, loose) | ({} if "images" in loose else {"images": int(images)})
        for recipe, images in zip(ended["recipe"], ended["images"], strict=True)
    ]
    setting_fields = [fields if setting is None else {name: fields.get(name) for name in setting} for fields in learnt]
    common_fields = [
        {} if setting is None else {n: v for n, v in fields.items() if n not in setting} for fields in learnt
    ]
    ended = ended.assign(
        setting=[key_of(fields) for fields in setting_fields],
        fields=pd.Series(learnt, index=ended.index, dtype=object),
        alike=[key_of(fields, data_hash) for data_hash, fields in zip(ended["data_hash"], common_fields, strict=True)],
    )
    sizes = ended.groupby("alike")["created"].agg(["size", "max"]).sort_values(["size", "max"])
    same = ended[ended["alike"] == sizes.index[-1]]
    # The same seed twice is the same training twice; what finished stands before what broke off.
    ranked = same.assign(whole=same["status"] == "finished").sort_values(["whole", "created"])
    once = ranked.drop_duplicates(["setting", "seed"], keep="last").sort_values("created")
    scores, protocol, unscored = _scores(study.scores, once, score, evaluations)
    remaining = once[~once["run_id"].isin(unscored)]
    apart = []
    if others := len(ended) - len(same):
        apart.append(f"Left out: {counted(others, 'run')} on other data or by another recipe.")
    if unscored:
        apart.append(f"Left out: {counted(len(unscored), 'run')} with too few evaluations by this judge.")
    remaining = remaining.drop(columns=["alike", "whole"]).reset_index(drop=True)
    return Pool(remaining, scores, study.findings, tuple(apart), protocol)


def untold(study: Study, key: str) -> Verdict:
    """Return the verdict where no run has ended."""
    if study.runs.empty:
        return Verdict(claim(key), "not tried", None, f"The study {claim(key).study} has no run yet.")
    sentence = f"No run of the study has ended yet; {counted(len(study.runs), 'run')} of it began."
    return Verdict(claim(key), "cannot tell", None, sentence)


def _scores(
    scores: pd.DataFrame, runs: pd.DataFrame, score: Score, evaluations: int
) -> tuple[pd.DataFrame, str, set[str]]:
    """Return the finished runs' scores under one protocol, its name, and the finished runs that have too few."""
    finished = runs[runs["status"] == "finished"]
    rows = scores[
        (scores["metric"] == score.key) & scores["emotion"].isna() & scores["run_id"].isin(finished["run_id"])
    ]
    rows = rows.assign(badness=score.badness(rows["value"]))
    rows = rows[np.isfinite(rows["badness"])].reset_index(drop=True)
    evaluated = rows.groupby([numbers(rows), rows["run_id"]])["step"].transform("nunique")
    chosen = preferred(rows[evaluated >= evaluations]).sort_values(["run_id", "step"])
    name = words(chosen.iloc[0]) if len(chosen) else ""
    chosen = chosen[["run_id", "epoch", "step", "value", "badness", "low", "high", "real"]]
    chosen = chosen.merge(runs[["run_id", "seed", "images", "setting"]], on="run_id")
    batches = {
        run_id: recipe.get("batch_size", 0) for run_id, recipe in zip(runs["run_id"], runs["recipe"], strict=True)
    }
    chosen["images_seen"] = chosen["step"] * chosen["run_id"].map(batches).astype(int)
    # Where none has any, there is nothing that the others are left out of.
    return chosen, name, set(finished["run_id"]) - set(chosen["run_id"]) if len(chosen) else set()


def counted(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
