"""A study's runs, and those among them that can be compared: of one dataset, one recipe and one judge.

What differs is never pooled: of several datasets or recipes the one with the most runs is taken, of several judges and
protocols the one that `fergan_core.protocols.preferred` puts first. The verdict says what was left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fergan_core.analysis.claims.claim import Answer, Score, Verdict, claim
from fergan_core.analysis.studies.groups import ENOUGH
from fergan_core.protocols import numbers, preferred, words
from fergan_core.recipe import key_of, training_fields

LEAST = 3  # seeds below which nothing can be told
ENDED = ("finished", "diverged", "failed")
COLLAPSES = ("collapse", "global-collapse", "repeats")


@dataclass(frozen=True)
class Study:
    """A study's tables.

    `runs`: run_id, name, status, seed, data, data_hash, created, images, recipe (a dict); `scores`, at least those of
    all emotions together, and `findings` as the registry's reader gives them.
    """

    runs: pd.DataFrame
    scores: pd.DataFrame
    findings: pd.DataFrame


@dataclass(frozen=True)
class Pool:
    """Runs that may be compared, each seed of a setting once.

    `runs` holds those that ended, with `setting` and `fields` (the recipe as a flat dict); `scores` the finished runs'
    scores under one protocol: run_id, epoch, step, value, badness, low, high, real, and the run's seed, images, setting
    and `images_seen`. `left_out` are sentences about what was left out.
    """

    runs: pd.DataFrame
    scores: pd.DataFrame
    findings: pd.DataFrame
    left_out: tuple[str, ...]
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
        """Return a verdict that rests on these runs; `smallest` is the number of seeds in its smallest group."""
        decided = answer in ("holds", "does not hold")
        low, high = interval or (None, None)
        return Verdict(
            claim(key),
            answer,
            ("shown" if smallest >= ENOUGH else "suggested") if decided else None,
            " ".join([sentence, *self.left_out]),
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
    """Return the runs that can be compared by a score; None where no run has ended.

    `setting` names the fields of the recipe in which settings may differ (None: all), `loose` those that may differ
    even within a setting. A finished run with fewer `evaluations` under the protocol is left out.
    """
    ended = study.runs[study.runs["status"].isin(ENDED)].sort_values("created")
    if ended.empty:
        return None
    # With the actual number of images: the recipe may name none, or more than there are.
    recipe_fields = [
        training_fields(recipe, loose) | ({} if "images" in loose else {"images": int(images)})
        for recipe, images in zip(ended["recipe"], ended["images"], strict=True)
    ]
    setting_fields = [
        fields if setting is None else {name: fields.get(name) for name in setting} for fields in recipe_fields
    ]
    common_fields = [
        {} if setting is None else {name: value for name, value in fields.items() if name not in setting}
        for fields in recipe_fields
    ]
    ended = ended.assign(
        setting=[key_of(fields) for fields in setting_fields],
        fields=pd.Series(recipe_fields, index=ended.index, dtype=object),
        shared=[key_of(fields, data_hash) for data_hash, fields in zip(ended["data_hash"], common_fields, strict=True)],
    )
    sizes = ended.groupby("shared")["created"].agg(["size", "max"]).sort_values(["size", "max"])
    same = ended[ended["shared"] == sizes.index[-1]]
    # Two runs of one seed are one training repeated: the newest counts, and a finished one before one that broke off.
    ranked = same.assign(finished=same["status"] == "finished").sort_values(["finished", "created"])
    distinct = ranked.drop_duplicates(["setting", "seed"], keep="last").sort_values("created")
    scores, protocol, unscored = _scores(study.scores, distinct, score, evaluations)
    remaining = distinct[~distinct["run_id"].isin(unscored)]
    left_out = []
    if others := len(ended) - len(same):
        left_out.append(f"Left out: {counted(others, 'run')} on other data or with another recipe.")
    if unscored:
        left_out.append(f"Left out: {counted(len(unscored), 'run')} with too few evaluations by this judge.")
    remaining = remaining.drop(columns=["shared", "finished"]).reset_index(drop=True)
    return Pool(remaining, scores, study.findings, tuple(left_out), protocol)


def untold(study: Study, key: str) -> Verdict:
    """Return the verdict where no run has ended."""
    if study.runs.empty:
        return Verdict(claim(key), "not tried", None, f"The study {claim(key).study} has no runs yet.")
    sentence = f"No run of the study has ended yet ({counted(len(study.runs), 'run')} started)."
    return Verdict(claim(key), "cannot tell", None, sentence)


def _scores(
    scores: pd.DataFrame, runs: pd.DataFrame, score: Score, evaluations: int
) -> tuple[pd.DataFrame, str, set[str]]:
    """Return the finished runs' scores under one protocol, its name, and the finished runs with too few of them."""
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
    # Where no run has scores, none is left out of anything.
    return chosen, name, set(finished["run_id"]) - set(chosen["run_id"]) if len(chosen) else set()


def counted(number: int, noun: str) -> str:
    """Return a number and its noun, in the plural unless it is 1."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
