"""The list of runs as a CSV, and picked runs as archives."""

import io
import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.rows import rows_of
from fergan_core.recipe import flat
from fergan_core.registry import Reader, summaries
from fergan_core.registry.exchange.archive import export_run
from fergan_core.registry.run_list import RunQuery, run_list, run_rows

_ALL = 1_000_000  # rows of one page: all there are
_ABOUT = ("id", "name", "status", "alarms", "epoch", "epochs", "images_seen", "method", "preset", "data", "seed")


def table_button(query: RunQuery, columns: Sequence[str]) -> None:
    """Offer all runs of a query, of all pages, as a CSV; it is made when it is asked for."""
    reader, evaluations = data.reader(), data.preferred_evaluations(trashed=query.trashed)
    st.download_button(
        "CSV",
        lambda: as_table(reader, query, columns, evaluations).to_csv(index=False).encode(),
        "runs.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="All runs that match, of all pages, with the columns that are shown",
    )


def archive_button(runs: pd.DataFrame) -> None:
    """Offer some runs with all their files as an archive, as `fergan runs export` writes it."""
    reader = data.reader()
    names = {run.id: archive_name(run.name, run.id) for run in rows_of(runs)}
    one = next(iter(names.values())) if len(names) == 1 else "runs.zip"
    several = " Each run is an archive in it." if len(names) > 1 else ""
    st.download_button(
        "Export",
        lambda: archive(reader, names),
        one,
        "application/zip",
        icon=":material/archive:",
        on_click="ignore",
        help=f"All that was recorded, with the files, as a .zip that `fergan runs import` reads.{several}",
        disabled=bool(runs.literature.any()),
    )


def as_table(reader: Reader, query: RunQuery, columns: Sequence[str], evaluations: pd.DataFrame) -> pd.DataFrame:
    """Return all runs of a query in its order: what they are, each score of the columns with its interval and protocol,
    and each field of the recipe."""
    listed = run_list(reader, replace(query, group=None, page=1, page_size=_ALL), evaluations)
    runs = run_rows(reader, list(listed.rows["run_id"]))
    table = runs[list(_ABOUT)].assign(
        begun=pd.to_datetime(runs["created"], unit="s", utc=True), tags=runs["tags"].str.join(" ")
    )
    newest = summaries.newest_evaluations(evaluations).set_index("run_id")
    metrics = [key.removeprefix("score:") for key in columns if key.startswith("score:")]
    scores = summaries.with_scores(reader, newest.reset_index(), metrics)
    for metric in metrics:
        of_metric = scores[scores["metric"] == metric].set_index("run_id")
        for column, title in (("value", metric), ("low", f"{metric}_low"), ("high", f"{metric}_high")):
            table[title] = table["id"].map(of_metric[column])
    for column in ("judge", "judge_sha256", "count", "prior", "truncation"):
        table[column] = table["id"].map(newest[column])
    fields = [key.removeprefix("recipe:") for key in columns if key.startswith("recipe:")]
    if fields:
        recipes = {run_id: flat(recipe) for run_id, recipe in reader.recipes(list(runs["id"])).items()}
        for name in fields:
            table[name] = [recipes[run_id].get(name) for run_id in table["id"]]
    return table


def archive(reader: Reader, names: dict[str, str]) -> bytes:
    """Return the archive of a run, or of several runs a .zip of their archives; `names` has the archives' by id."""
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / name for name in names.values()}
        for run_id, name in names.items():
            export_run(reader, run_id, files[name])
        if len(files) == 1:
            return next(iter(files.values())).read_bytes()
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w") as together:
            for name, file in files.items():
                together.write(file, name)
        return whole.getvalue()


def archive_name(name: str, run_id: str) -> str:
    """Return a file's name for a run, of letters that every system takes."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('-.')[:60] or 'run'}-{run_id}.zip"
