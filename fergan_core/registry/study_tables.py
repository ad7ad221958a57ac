"""A study's runs with all that a comparison of them must know: recipes, data, scores and findings, as tables."""

import pandas as pd

from fergan_core.registry.queries import Reader
from fergan_core.registry.studies import study_tag

_COLUMNS = ["run_id", "name", "status", "seed", "data", "data_hash", "created"]


def study_tables(reader: Reader, name: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return a study's runs, their scores and their findings; empty tables where nobody has begun it.

    The runs' columns: run_id, name, status, seed, data, data_hash, created, images (how many they learnt from) and
    recipe (a dict). Scores, of all emotions together, and findings are the reader's.
    """
    runs = reader.runs(tag=study_tag(name)).rename(columns={"id": "run_id"})
    study_runs = runs[_COLUMNS].reset_index(drop=True)
    objects = reader.recipes_and_datasets(list(study_runs["run_id"]))
    recipes, datasets = ([objects[run_id][place] for run_id in study_runs["run_id"]] for place in (0, 1))
    study_runs["images"] = [dataset.get("images", 0) for dataset in datasets]
    study_runs["recipe"] = pd.Series(recipes, dtype=object)
    run_ids = list(study_runs["run_id"])
    return study_runs, reader.scores(run_ids, by_emotion=False), reader.findings(run_ids)
