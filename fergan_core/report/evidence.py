"""Why a run's numbers can be believed, or not: who scored what, on which data, by which code, and what was found."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from fergan_core import protocols
from fergan_core.analysis.findings.timeline import Statement
from fergan_core.metrics.catalogue import CATALOGUE, written
from fergan_core.recipe import key_of, training_fields
from fergan_core.registry import Reader
from fergan_core.report.contents import Fact

_SHOWN = 12  # digits of a hash


def evidence(
    reader: Reader,
    run: Mapping[str, Any],
    scores: pd.DataFrame,
    statements: Sequence[Statement],
    metrics: Sequence[str],
) -> tuple[Fact, ...]:
    """Return what speaks for and against a run's numbers; `metrics` are the scalars that it recorded."""
    facts = [
        ("Scored by", _scored_by(run, scores)),
        ("Second judge", _second_judge(run, scores)),
        ("Intervals", "In brackets, 95 %: for this judge and this training. Another seed may give another score."),
        ("Seeds", _seeds(reader, run)),
        ("Data", _data(run)),
        ("Code", _code(run)),
        ("Training", _training(run)),
        ("Findings", _findings(statements, metrics)),
        ("Curves", "They were thinned: a point stands for a stretch of steps." if run["thinned"] else ""),
    ]
    if run["literature"]:
        facts = [fact for fact in facts if fact[0] in ("Scored by", "Data")]
    return tuple(Fact(name, text) for name, text in facts if text)


def how_to_score(run_id: str) -> str:
    """Say how scores are added to a run."""
    return f"`fergan evaluate {run_id}@all` scores its checkpoints."


def _scored_by(run: Mapping[str, Any], scores: pd.DataFrame) -> str:
    if scores.empty:
        return f"Nobody yet: nothing is known of how good its faces are. {how_to_score(run['id'])}"
    sentences = []
    for words, rows in protocols.by_words(scores).items():
        epochs = sorted({int(epoch) for epoch in rows["epoch"]})
        when = (
            f"at epoch {epochs[0]}" if len(epochs) == 1 else f"at {len(epochs)} epochs, the last of them {epochs[-1]}"
        )
        real = [int(count) for count in rows["real_count"].dropna().unique()]
        beside = f", beside {max(real):,} real faces" if real else ""
        sentences.append(f"{words[0].upper()}{words[1:]}{beside}, {when}.")
    return " ".join(sentences)


def _second_judge(run: Mapping[str, Any], scores: pd.DataFrame) -> str:
    """Compare the newest FID by each of the judges that scored the same checkpoint in the same way."""
    if scores.empty:
        return ""
    first = protocols.preferred(scores)
    last = first[first["step"] == first["step"].max()]
    same = protocols.filled(scores)
    protocol = protocols.filled(last).iloc[0]
    same = same[(same[protocols.BESIDE_JUDGE] == protocol[protocols.BESIDE_JUDGE]).all(axis=1)]
    others = same[(same["step"] == protocol["step"]) & (same["judge_sha256"] != protocol["judge_sha256"])]
    if others.empty:
        names = set(scores["judge"])
        other = [name for name in protocols.judges_for(str(run["data"])) if name not in names]
        if len(names) > 1:
            return f"{len(names)} judges have scored this run, but not the same checkpoint under one protocol."
        if not other or run["literature"]:
            return ""
        return f"None has checked the first one; `fergan evaluate {run['id']} --judge {other[0]}` asks another."
    fid = CATALOGUE["fid"]
    words = []
    for judge, rows in pd.concat([last, others]).groupby("judge", sort=False):
        of_fid = rows[(rows["metric"] == "fid") & rows["emotion"].isna()].dropna(subset=["value"])
        if len(of_fid):
            row = of_fid.iloc[-1]
            real = "" if pd.isna(row["real"]) else f", real faces {written(row['real'], fid)}"
            words.append(f"{judge}: FID {written(row['value'], fid, row['low'], row['high'])}{real}")
    return f"Of another architecture, asked for the same faces. {'; '.join(words)}." if len(words) > 1 else ""


def _seeds(reader: Reader, run: Mapping[str, Any]) -> str:
    if run["literature"]:
        return ""
    runs = reader.runs()
    alike = runs[
        (runs["data_hash"] == run["data_hash"]) & (runs["preset"] == run["preset"]) & (runs["id"] != run["id"])
    ]
    key = key_of(training_fields(run["recipe"]))
    recipes = reader.recipes(list(alike["id"]))
    same = [run_id for run_id, recipe in recipes.items() if key_of(training_fields(recipe)) == key]
    seeds = set(alike["seed"][alike["id"].isin(same)]) - {run["seed"]}
    others = f"{len(seeds)} other seed{'s' if len(seeds) > 1 else ''}" if seeds else "no other seed"
    return f"Seed {run['seed']}; {others} of this recipe on these data in the registry. One seed is one try."


def _data(run: Mapping[str, Any]) -> str:
    dataset = run["dataset"]
    content, images = str(dataset.get("content_hash") or ""), int(dataset.get("images") or 0)
    parts = [str(run["data"])]
    parts += [f"{images:,} training images"] if images else []
    parts += [f"content hash {content[:_SHOWN]}" if content else "no content hash was recorded"]
    return f"{', '.join(parts)}."


def _code(run: Mapping[str, Any]) -> str:
    provenance = run["provenance"]
    commit, changed = provenance.get("git_commit"), provenance.get("git_dirty")
    if not commit:
        return "The commit was not recorded."
    state = {True: "with changes that were not committed, so this commit alone does not make the run again",
             False: "with no uncommitted changes"}  # fmt: skip
    return f"Commit {str(commit)[:_SHOWN]}, {state.get(changed, 'and it is not known whether all was committed')}."


def _training(run: Mapping[str, Any]) -> str:
    sentences = []
    if run["status"] != "finished":
        reason = f" ({run['reason']})" if run["reason"] else ""
        sentences.append(f"{run['status'].capitalize()}{reason} after {run['epoch']} of {run['epochs']} epochs.")
    if run.get("parent"):
        sentences.append(
            f"It went on from step {run['parent_step']:,} of run {run['parent']}, whose state it began with."
        )
    return " ".join(sentences)


def _findings(statements: Sequence[Statement], metrics: Sequence[str]) -> str:
    probed = any(name.startswith("pulse_") for name in metrics)
    unknown = "" if probed else " It has no probe readings, without which no collapse can be found."
    if not statements:
        return ("No alarm and no warning." if probed else "None.") + unknown
    counts = ", ".join(_counted(statements))
    return f"{counts[0].upper()}{counts[1:]}; see Findings.{unknown}"


def _counted(statements: Sequence[Statement]) -> Iterator[str]:
    for severity in ("alarm", "warning", "info"):
        count = sum(one.severity == severity for one in statements)
        if count:
            word = {"info": "remark"}.get(severity, severity)
            yield f"{count} {word}{'s' if count > 1 else ''}"
