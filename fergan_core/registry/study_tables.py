"""A study's runs with all that a comparison of them must know: recipes, data, scores and findings, as tables."""

import pandas as pd

from fergan_core.registry.queries import Reader
from fergan_core.registry.studies import studies_of

_COLUMNS = ["run_id", "name", "status", "seed", "data", "data_hash", "created"]


def study_tables(reader: Reader, name: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return a study's runs, their scores and their findings; empty tables where nobody has begun it.

    The runs' columns: run_id, name, status, seed, data, data_hash, created, images (how many they learnt from) and
    recipe (a dict). Scores and findings are the reader's.
    """
    runs = reader.runs().rename(columns={"id": "run_id"})
    study_runs = runs.loc[[name in studies_of(tags) for tags in runs["tags"]], _COLUMNS].reset_index(drop=True)
    full_rows = [reader.run(run_id) for run_id in study_runs["run_id"]]
    study_runs["images"] = [run["dataset"].get("images", 0) for run in full_rows]
    study_runs["recipe"] = pd.Series([run["recipe"] for run in full_rows], dtype=object)
    run_ids = list(study_runs["run_id"])
    return study_runs, reader.scores(run_ids), reader.findings(run_ids)
