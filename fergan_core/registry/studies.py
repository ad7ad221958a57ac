"""A study's trials as a table: its runs are those with its tag, what it varied is what differs between them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fergan_core import protocols
from fergan_core.recipe import flat
from fergan_core.registry.queries import Reader

_PREFIX = "study:"
_NOT_VARIED = {"seed", "preset"}


def study_tag(name: str) -> str:
    """Return the tag of a study's runs."""
    return f"{_PREFIX}{name}"


def studies_of(tags: Iterable[str]) -> list[str]:
    """Name the studies that a run with these tags is a trial of."""
    return [tag.removeprefix(_PREFIX) for tag in tags if tag.startswith(_PREFIX)]


def what_the_command_makes(tags: Iterable[str]) -> str:
    """Say what the recorded command of a run with these tags makes again: the run, or the whole study of its trial."""
    if studies_of(tags):
        return "The command of the study that it is a trial of:"
    return "The command that makes it again, on the same data:"


def studies(reader: Reader) -> list[str]:
    """Name the studies that have runs, the newest first."""
    return studies_of(dict.fromkeys(reader.tags(study_tag(""))))


@dataclass(frozen=True)
class Trials:
    """A study's trials, a row a run; the fields that it varied; and their scores' protocol in words, '' without one."""

    table: pd.DataFrame
    varied: list[str]
    protocol: str


def trials(reader: Reader, name: str) -> Trials:
    """Return a study's trials.

    Columns: run_id, name, status, epoch, the varied fields of the recipe, seed, `failed` (the run diverged or broke
    off by itself, or has an alarm among its findings), `kinds` (of its findings), and each score of all emotions
    together, of the run's newest evaluation under the protocol that `protocols.preferred` puts first. A field that is
    named like a score gets `set ` before its name. Runs that are still training, were stopped, or crashed are left out.
    """
    runs = reader.runs(tag=study_tag(name))
    runs = runs[~runs["status"].isin(["running", "interrupted", "crashed"])]
    recorded = reader.recipes(list(runs["id"]))
    recipes = {run_id: _texts(flat(recorded[run_id])) for run_id in runs["id"]}
    table = pd.DataFrame.from_dict(recipes, orient="index")
    varied = [str(field) for field in table if field not in _NOT_VARIED and table[field].astype(str).nunique() > 1]
    frame = runs[["id", "name", "status", "epoch", "seed"]].rename(columns={"id": "run_id"}).set_index("run_id")
    frame = frame.join(table[varied])
    findings = reader.findings(list(frame.index))
    kinds = findings.groupby("run_id")["kind"].agg(lambda kind: sorted(set(kind)))
    alarms = set(findings.loc[findings["severity"] == "alarm", "run_id"])
    frame["kinds"] = [kinds.get(run_id, []) for run_id in frame.index]
    frame["failed"] = [row.status != "finished" or run_id in alarms for run_id, row in frame.iterrows()]
    scores = reader.scores(list(frame.index), by_emotion=False)
    # Settings may differ in their emotions: then FID and others are of other real faces, and do not compare.
    scores = protocols.preferred(scores, "real_count")
    protocol = protocols.words(scores.iloc[0]) if len(scores) else ""
    scores = protocols.newest(scores)
    if len(scores):
        values = scores.pivot(index="run_id", columns="metric", values="value")
        names = {field: f"set {field}" for field in varied if field in values}
        varied = [names.get(field, field) for field in varied]
        frame = frame.rename(columns=names).join(values)
    return Trials(frame.sort_values("name").reset_index(), varied, protocol)


def _texts(fields: dict[str, Any]) -> dict[str, Any]:
    """Make texts of lists, which a table's groups cannot be made of."""
    return {name: ", ".join(value) if isinstance(value, list) else value for name, value in fields.items()}
