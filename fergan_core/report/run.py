"""Everything that a report says about one run, read from the registry."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from fergan_core import protocols
from fergan_core.analysis.budgets import SPEED, STRETCHES
from fergan_core.analysis.findings import timeline
from fergan_core.analysis.findings.timeline import Statement
from fergan_core.analysis.pace import Pace, duration, paces
from fergan_core.analysis.ranking import best
from fergan_core.analysis.settings import beside_preset, fields
from fergan_core.recipe import NON_TRAINING_FIELDS, PRESETS, UNITS, flat, kinds, method_recipe, to_dict
from fergan_core.registry import Reader
from fergan_core.registry.studies import what_the_command_makes
from fergan_core.report import curves, pictures
from fergan_core.report.contents import Fact, Fields, Figure, RunPart, Table
from fergan_core.report.evidence import evidence, how_to_score
from fergan_core.report.scores import epoch_of, headlines, tables_of_run

_READINGS = 5000  # stretches of steps, of which each probe has its own


def run_part(reader: Reader, run: Mapping[str, Any], *, few_pictures: bool) -> RunPart:
    """Return what is known of a run, as `Reader.run` gives it; with `few_pictures` of its sheets the last alone, and
    faces of fewer findings."""
    run_id = str(run["id"])
    scores, metrics = reader.scores([run_id]), reader.metrics([run_id])
    preferred = protocols.preferred(scores)
    pace = _pace(reader, run, metrics)
    statements = _statements(reader, run, pace)
    saved = reader.sheets(run_id)
    ranked = best(preferred, "fid", "lower") if len(preferred) else None
    best_step = None if ranked is None else int(ranked.first["step"])
    sheets, problems = pictures.sheets(reader, saved, best_step, curves.unit_of(run), few=few_pictures)
    missing = _missing(run, scores, saved, metrics)
    last = preferred[preferred["step"] == preferred["step"].max()]
    recipe, recipe_note, recipe_fields = _recipe(run)
    return RunPart(
        run_id=run_id,
        name=str(run["name"]),
        tags=tuple(run["tags"]),
        notes=tuple(Fact(when(note["created"]), str(note["text"])) for note in run["notes"]),
        summary=_summary(run, pace),
        warnings=tuple(problems),
        headlines=headlines(last),
        scored_by="" if last.empty else f"Epoch {epoch_of(last)}, by {protocols.words(last.iloc[0])}.",
        evidence=evidence(reader, run, scores, statements, metrics),
        sheets=tuple(sheets),
        figures=_figures(reader, run, preferred, pace),
        scores=tables_of_run(scores),
        findings=tuple(pictures.with_faces(reader, saved, statements, few=few_pictures)),
        recipe=recipe,
        recipe_note=recipe_note,
        recipe_fields=recipe_fields,
        command=str(run["provenance"].get("command") or ""),
        command_note=what_the_command_makes(run["tags"]),
        provenance=_provenance(run),
        missing=missing,
    )


def when(seconds: float) -> str:
    """Write a time of the registry, in seconds since 1970, as date and minute in UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, OSError, ValueError):
        return "at an unknown time"


def _summary(run: Mapping[str, Any], pace: Pace) -> str:
    """Say in a sentence or two what was trained, on what, for how long."""
    if run["literature"]:
        return f"A result from the literature on {run['data']}; it was not trained here."
    kind = str(run["method"])
    on = f"on {run['data']} with seed {run['seed']}" + (f", on {run['device']}" if run["device"] else "")
    if kind in kinds():
        title = method_recipe(kind).title
        what = f"{title[0].upper()}{title[1:]}, from the preset '{run['preset']}' {on}."
    else:
        what = f"A training {on} by another program than FerGAN ('{kind}'), which recorded it."
    seconds = float(pace.at("seconds", [float(run["step"])])[0])
    spent = "" if seconds != seconds else f" in {duration(seconds)} of training steps"
    unit = curves.unit_of(run)
    done = f"{run[unit]:,} of {run[f'{unit}s']:,} {unit}s"
    seen = f"It has seen {run['images_seen']:,} images in {done}" if run["images_seen"] else f"It did {done}"
    return f"{what} {seen}{spent}; begun {when(run['created'])}; {run['status']}."


def _pace(reader: Reader, run: Mapping[str, Any], metrics: list[str]) -> Pace:
    table = pd.DataFrame([{name: run[name] for name in ("id", "steps", "epochs")}])
    speeds = reader.points([run["id"]], [SPEED], buckets=STRETCHES) if SPEED in metrics else None
    return paces(table, {run["id"]: run["recipe"]}, speeds)[run["id"]]


def _statements(reader: Reader, run: Mapping[str, Any], pace: Pace) -> list[Statement]:
    found = reader.findings([run["id"]]).reset_index(drop=True)
    if found.empty:
        return []
    readings = timeline.readings_of(reader.points([run["id"]], timeline.DIVERSITY, buckets=_READINGS))
    return timeline.statements(found, readings, lambda step: int((step - 1) // pace.steps_per_epoch) + 1)


def _figures(reader: Reader, run: Mapping[str, Any], preferred: pd.DataFrame, pace: Pace) -> tuple[Figure, ...]:
    run_id, unit = str(run["id"]), curves.unit_of(run)
    x = preferred["step"].map(lambda step: pace.at(unit, step).item()) if unit == "step" else preferred["epoch"]
    figures = (
        curves.training_figure(reader, run_id, pace, unit),
        curves.scores_figure(preferred, {run_id: str(run["name"])}, x, unit),
        curves.emotions_figure(preferred, x, unit),
        curves.diversity_figure(reader, run_id, pace, unit),
    )
    return tuple(figure for figure in figures if figure is not None)


def _recipe(run: Mapping[str, Any]) -> tuple[Table | None, str, tuple[Fields, ...]]:
    """Return what a recipe changes of its preset, a sentence about it, and all its fields."""
    plain = {key: value for key, value in flat(run["recipe"]).items() if key != "kind"}
    if run["literature"] or not plain:
        return None, "No recipe was recorded.", ()
    learning = {key: value for key, value in plain.items() if key not in NON_TRAINING_FIELDS}
    rest = {key: value for key, value in plain.items() if key in NON_TRAINING_FIELDS}
    parts = (
        _fields(f"All {len(learning)} fields that decide how it learns", fields(learning, units=UNITS)),
        _fields("Bookkeeping: seed, and how often it was scored, saved and measured", fields(rest, units=UNITS)),
    )
    name = str(run["preset"])
    if run["method"] not in kinds():
        return None, "Its settings are those that the program that trained it recorded.", parts
    if name not in PRESETS:
        return None, f"This FerGAN has no preset '{name}' to compare it with.", parts
    changed = beside_preset(run["recipe"], to_dict(PRESETS[name]))
    if changed.empty:
        return None, f"The preset '{name}' as it is.", parts
    rows = tuple(tuple(map(str, row)) for row in changed.itertuples(index=False, name=None))
    count = f"{len(rows)} field{'s' if len(rows) > 1 else ''}"
    table = Table(f"What it changes of the preset '{name}'", ("field", "this run", "preset"), rows, words=3)
    return table, f"The preset '{name}' with {count} changed.", parts


def _provenance(run: Mapping[str, Any]) -> Fields:
    rest = {name: value for name, value in run["provenance"].items() if name != "command"}
    about = {"run": run["id"], "begun": when(run["created"]), "dataset": run["dataset"], **rest}
    return _fields("Code, libraries, machine and data", fields(about))


def _fields(title: str, values: Mapping[str, str]) -> Fields:
    return Fields(title, tuple(Fact(name, text) for name, text in values.items()))


def _missing(run: Mapping[str, Any], scores: pd.DataFrame, saved: pd.DataFrame, metrics: list[str]) -> dict[str, str]:
    """Say what is not there, and how to get it."""
    missing = {}
    running = run["status"] == "running"
    if saved.empty:
        missing["sheets"] = "No sheet of faces was recorded with it."
        if not run["literature"]:
            missing["sheets"] += f" `fergan sample {run['id']} --out faces.png` draws faces where it has a checkpoint."
    if scores.empty:
        missing["scores"] = f"No score yet. {how_to_score(run['id'])}"
    if not metrics:
        missing["figures"] = "No point yet: the training has just begun." if running else "No curve was recorded."
    if not run["provenance"].get("command"):
        missing["command"] = "The command was not recorded."
    return missing
