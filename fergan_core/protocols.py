"""Which evaluations may be compared, how a protocol is described in words, and which of several is shown first.

Two scores compare where everything that they depend on beside the weights is the same:

- `judge_sha256`: another judge, or one of the same name that was trained anew, reads the same faces differently;
- `count`: IS, FID, recall and others change with the number of faces alone (Chong & Forsyth 2020, arXiv:1911.07023);
- `prior`: how often each emotion was requested;
- `seed`: under one seed runs are scored on the same latents and the same real faces, so that chance in these does not
  separate them, and a checkpoint that was scored under two seeds does not count twice;
- `truncation`: shortened latents give clearer faces of less variety. Evaluations older than the choice did not shorten
  latents, which is 1.

The sampling (sampler, steps, guidance) belongs to them too: the registry's reader gives the scores of faces that were
drawn as the recipe says, and others only where samplings are compared.

`real_count`, the number of real faces beside them, does not: it follows from the data, the emotions and the prior, and
what was scored without real faces has none of the scores that need them. Comparing runs of different emotions or data
needs a check of it all the same, see `real_faces`.

All functions take the registry's score table: run_id, data, epoch, step, judge, judge_sha256, count, prior, seed,
truncation, real_count, evaluation, metric, emotion, ...; `data` and `real_count` may be missing. So may `evaluation`,
the number of the evaluation that a row is of: each row is then taken for one. What all rows of an evaluation share is
looked at once an evaluation and not once a row, since a page has a hundred thousand rows of some thousand evaluations.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# What the registry stores of an evaluation's protocol besides its judge.
BESIDE_JUDGE = ["count", "prior", "seed", "truncation"]
_SAMPLING = ["sampler", "steps", "guidance"]
UNTRUNCATED = 1.0


def judges_for(dataset_name: str) -> tuple[str, str]:
    """Return the shipped judges for a dataset, the first and its check: synthfer's, or fer2013's for photographs."""
    name = "synthfer" if dataset_name == "synthfer" else "fer2013"
    return name, f"{name}-check"


def complete(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded protocol's BESIDE_JUDGE and real_count, with what older evaluations lack filled in.

    What is missing from one that is not documented, such as the literature's, is None.
    """
    completed = {name: protocol.get(name) for name in (*BESIDE_JUDGE, "real_count")}
    if completed["truncation"] is None and completed["count"] is not None:
        completed["truncation"] = UNTRUNCATED
    return completed


def filled(scores: pd.DataFrame) -> pd.DataFrame:
    """Return scores with the truncation of older evaluations filled in."""
    return scores.assign(truncation=scores["truncation"].astype(float).fillna(UNTRUNCATED))


def numbers(scores: pd.DataFrame, *also: str) -> pd.Series:
    """Number the protocols of a score table: int by row, the same where two rows compare.

    `also` names columns of the evaluations in which they must agree beside the protocol.
    """
    keys = ["judge_sha256", *BESIDE_JUDGE, *also]
    evaluations, places = _evaluations(scores, ["judge", *keys])
    evaluations = filled(evaluations)
    # A judge that is not documented has no hash of weights: its name identifies it.
    sha256 = evaluations["judge_sha256"].where(evaluations["judge_sha256"] != "", evaluations["judge"])
    protocol = evaluations.assign(judge_sha256=sha256).groupby(keys, dropna=False, sort=False).ngroup()
    return pd.Series(protocol.to_numpy()[places], scores.index)


def once(scores: pd.DataFrame) -> pd.DataFrame:
    """Return each score of a checkpoint and protocol once: from the evaluation with the most real faces, of equal ones
    the newest."""
    return _once(scores, numbers(scores))


def _once(scores: pd.DataFrame, protocol: "pd.Series | int") -> pd.DataFrame:
    """Return each score once, as `once`, from the number of each row's protocol, or of all rows'."""
    same = ["run_id", "step", "_protocol", *(name for name in _SAMPLING if name in scores)]
    numbered = scores.assign(_protocol=protocol)
    evaluations, places = _evaluations(numbered, same)
    several = evaluations.duplicated(keep=False).to_numpy()[places]
    rows = numbered[several]
    rows = rows.assign(_real=_real_counts(rows), _place=np.flatnonzero(several))
    rows = rows.sort_values(["_real", "_place"]).drop_duplicates([*same, "metric", "emotion"], keep="last")
    several[rows["_place"]] = False
    return scores[~several]


def preferred(scores: pd.DataFrame, *also: str) -> pd.DataFrame:
    """Return the scores of the one protocol by which several runs are shown together; an empty table stays empty.

    It is the one that most runs have; ties are decided by the data's first judge, the natural prior, no truncation, the
    most checkpoints, the most faces, the most real faces, the newest. Undocumented protocols come last.
    """
    if scores.empty:
        return scores
    protocol = numbers(scores, *also)
    return _once(scores[protocol == _in_order(scores, protocol)[0]], 0)


def preferred_of_each_run(scores: pd.DataFrame) -> pd.DataFrame:
    """Return each run's scores of one protocol: of those that it has, the one that `preferred` ranks first among the
    runs of its data."""
    if scores.empty:
        return scores
    selected = []
    for _, of_data in scores.groupby(_own_judges(scores), sort=False):
        protocol = numbers(of_data)
        place = protocol.map({number: place for place, number in enumerate(_in_order(of_data, protocol))})
        selected.append(of_data[place == place.groupby(of_data["run_id"]).transform("min")])
    return once(pd.concat(selected))


def newest(scores: pd.DataFrame) -> pd.DataFrame:
    """Return each run's newest value of every metric and emotion, from scores of one protocol for each run."""
    return scores.sort_values("step", kind="stable").drop_duplicates(["run_id", "metric", "emotion"], keep="last")


def words(protocol: "Mapping[str, Any] | pd.Series") -> str:
    """Describe a protocol: judge and its weights' hash, faces, prior, seed, and truncation and sampling if any.

    `protocol` is a row of a score table, or a recorded protocol with its judge.
    """
    fields = {name: value for name, value in protocol.items() if not _missing(value)}
    parts = [f"judge {fields['judge']}" + (f" ({fields['judge_sha256'][:8]})" if fields.get("judge_sha256") else "")]
    if "count" in fields:
        parts.append(f"{int(fields['count']):,} faces")
        parts += [f"{fields['prior']} prior"] if "prior" in fields else []
    parts += [f"seed {int(fields['seed'])}"] if "seed" in fields else []
    if fields.get("truncation", UNTRUNCATED) != UNTRUNCATED:
        parts.append(f"truncated to {fields['truncation']:g}")
    if sampling := fields.get("sampling"):
        steps = f"{sampling['steps']} step" + ("s" if sampling["steps"] > 1 else "")
        parts.append(f"drawn by {sampling['sampler']} in {steps}, guidance {sampling['guidance']:g}")
    return ", ".join(parts)


def by_words(scores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Split scores by protocol, described in words, in order of judge, faces, prior, seed and truncation."""
    keys = ["judge", "judge_sha256", *BESIDE_JUDGE]
    evaluations, places = _evaluations(scores, keys)
    evaluations = filled(evaluations).reset_index(drop=True).sort_values(keys, kind="stable")
    order = evaluations.groupby(keys, dropna=False, sort=False).ngroup().sort_index().to_numpy()[places]
    ordered = scores.iloc[np.argsort(order, kind="stable")]
    return {words(rows.iloc[0]): _once(rows, 0) for _, rows in ordered.groupby(numbers(ordered), sort=False)}


def real_faces(scores: pd.DataFrame) -> str:
    """Return a warning where scores of one protocol used different numbers of real faces, else ''."""
    counts = sorted({int(count) for count in _real_counts(scores) if count})
    if len(counts) < 2:
        return ""
    listed = f"{', '.join(f'{count:,}' for count in counts[:-1])} and {counts[-1]:,}"
    return (
        f"These evaluations used {listed} real faces: FID, KID, precision, recall, coverage and others change with "
        "that number alone."
    )


def _in_order(scores: pd.DataFrame, protocol: pd.Series) -> list[int]:
    """Return the numbers of a table's protocols, by row in `protocol`, in the order in which to show them."""
    last = ~pd.Series(_evaluations(scores, [])[1]).duplicated(keep="last").to_numpy()
    scores = scores[last]
    rows = filled(scores[["run_id", *BESIDE_JUDGE]]).assign(
        _protocol=protocol[last],
        _own=scores["judge"].eq(_own_judges(scores)),
        _checkpoint=scores["run_id"].astype(str) + " " + scores["step"].astype(str),
        _real=_real_counts(scores),
        _place=np.flatnonzero(last),
    )
    ranks: list[tuple[tuple[Any, ...], int]] = []
    for number, evaluations in rows.groupby("_protocol", sort=False):
        first = evaluations.iloc[0]
        rank = (
            not _missing(first["count"]),
            evaluations["run_id"].nunique(),
            evaluations.loc[evaluations["_own"], "run_id"].nunique(),
            first["prior"] == "natural",
            first["truncation"] == UNTRUNCATED,
            evaluations["_checkpoint"].nunique(),
            0 if _missing(first["count"]) else int(first["count"]),
            float(evaluations["_real"].max()),
            int(evaluations["_place"].max()),
        )
        ranks.append((rank, int(str(number))))
    return [number for _, number in sorted(ranks, reverse=True)]


def _evaluations(scores: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """Return some columns of the evaluations that a table has scores of, a row each in order of their first scores, and
    for each score the place of its evaluation in these rows."""
    if "evaluation" not in scores:
        return scores[columns], np.arange(len(scores))
    places, _ = pd.factorize(scores["evaluation"])
    return scores.loc[~scores["evaluation"].duplicated().to_numpy(), columns], places


def _own_judges(scores: pd.DataFrame) -> pd.Series:
    """Return by row the first shipped judge for the data that the run was trained on; '' for unknown data."""
    if "data" not in scores:
        return pd.Series("", index=scores.index)
    return scores["data"].map({data: judges_for(data)[0] for data in scores["data"].unique()})


def _real_counts(scores: pd.DataFrame) -> pd.Series:
    """Return by row how many real faces an evaluation used, 0 where that is unknown."""
    if "real_count" not in scores:
        return pd.Series(0.0, index=scores.index)
    return scores["real_count"].astype(float).fillna(0.0)


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)
