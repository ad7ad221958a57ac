"""What all rooms' tests share: the real FER2013 in any layout, a cache folder of their own, a browser."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.common import exporter, find_chromium

_SUFFIXES = {
    "kaggle-tar": ".tar.gz",
    "csv": ".csv",
    "icml-csv": ".csv",
    "folder": "",
    "png-folder": "",
    "parquet": ".parquet",
    "npz": ".npz",
    "ferplus": ".csv",
}


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the user's cache out of the tests; synthfer is drawn once a session."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("FERGAN_CACHE")
    os.environ["FERGAN_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["FERGAN_CACHE"]
    else:
        os.environ["FERGAN_CACHE"] = before


@pytest.fixture(scope="session")
def fer2013_layout(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function (layout, limit=None) -> path of the real FER2013 in that layout; skips where it is not kept."""
    folder = tmp_path_factory.mktemp("fer2013")

    def export(layout: str, limit: int | None = None) -> Path:
        if not exporter().exists():
            pytest.skip(f"the real FER2013 is not at {exporter().parent}; FERGAN_SHARED names its folder")
        path = folder / f"{layout}-{limit or 'all'}{_SUFFIXES[layout]}"
        if not path.exists():
            limited = [] if limit is None else ["--limit", str(limit)]
            subprocess.run(
                [sys.executable, str(exporter()), layout, str(path), *limited], check=True, capture_output=True
            )
        return path

    return export


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium or Chrome; skips where there is none."""
    found = find_chromium()
    if found is not None:
        return found
    pytest.skip("no Chromium on PATH; install one to test the dashboard in a browser")
