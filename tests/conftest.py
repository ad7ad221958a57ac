"""What all rooms' tests share: the real FER2013 in any layout, a cache folder of their own, a browser."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from filelock import FileLock
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.support.commands import few_light_faces
from tests.support.fer2013 import write_layout
from tests.support.machine import exporter, find_chromium
from tests.support.once import made_once, session_folder

if TYPE_CHECKING:
    from fergan_core.data import Dataset

LIMIT = 5  # seconds
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


class _ByFile(LoadFileScheduling):
    """Gives a file's tests to one worker, which makes its fixtures once; the browser's files share server and browser.

    The groups of `--dist loadgroup` would say the same, but xdist 3.8 writes them where pytest 9.2 does not read them.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "browser" if "/test_browser_" in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Return how tests are shared out among workers."""
    return _ByFile(config, log)


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow and thorough what needs all built-in faces; run a browser test that fails once more, as the page's
    timing is the machine's and the summary tells of it; begin with the files of most slow tests, so workers end
    together."""
    for item in items:
        if "built_in_faces" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
            item.add_marker("thorough")
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))
    if "PYTEST_XDIST_WORKER" in os.environ:
        slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
        items.sort(key=lambda item: -slow[item.path])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that took more than LIMIT seconds and are not marked slow."""
    passed = terminalreporter.getreports("passed")
    late = [report for report in passed if report.when == "call" and report.duration > LIMIT]
    unmarked = sorted({report.nodeid for report in late if "slow" not in report.keywords})
    if unmarked:
        terminalreporter.section(f"more than {LIMIT} seconds, not marked slow")
        for name in unmarked:
            terminalreporter.line(name)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the user's cache out of the tests; what one worker has read or computed serves all."""
    folder = session_folder(tmp_path_factory) / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FERGAN_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def fer2013_layout(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function (layout, limit=None, every=1) -> path of the real FER2013 in that layout, or of a part of it.

    Skips where it is not kept.
    """
    folder = session_folder(tmp_path_factory) / "fer2013"

    def export(layout: str, limit: int | None = None, every: int = 1) -> Path:
        if not exporter().exists():
            pytest.skip(f"the real FER2013 is not at {exporter().parent}; FERGAN_SHARED names its folder")
        folder.mkdir(exist_ok=True)
        path = folder / f"{layout}-{limit or 'all'}-{every}{_SUFFIXES[layout]}"
        with FileLock(folder / f"{path.name}.lock"):
            if not path.exists():
                write_layout(layout, path, limit, every)
        return path

    return export


@pytest.fixture(scope="session")
def built_in_faces() -> "Dataset":
    """Return all 32,298 built-in faces, which take 20 seconds to draw once a session: what needs them is thorough."""
    from fergan_core.data import open_dataset  # not above: tests that need no data are not to import it

    return open_dataset("synthfer")


@pytest.fixture(scope="session")
def few() -> "Dataset":
    """Return 1,920 faces drawn as the built-in ones are: a 22nd of the training faces of each emotion, a tenth of the
    rarest's, and a sixth of those that nothing is trained on."""
    from fergan_core.data.synthfer import PUBLIC_COUNTS, TRAIN_COUNTS, synthfer

    train = {name: count // (10 if name == "disgust" else 22) for name, count in TRAIN_COUNTS.items()}
    return synthfer(counts={"train": train, "public": {name: count // 6 for name, count in PUBLIC_COUNTS.items()}})


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory, few: "Dataset") -> Path:
    """Return a file of the few training faces and a third of the others, to train on where a test is not about data.

    What a training compares its faces with is read, sorted and searched in a twentieth of the time.
    """

    def write(folder: Path) -> None:
        from fergan_core.data.dataset import SPLITS

        faces = few.take(np.flatnonzero((few.splits == 0) | (np.arange(len(few)) % 3 == 0)))
        np.savez(folder / "small.npz", images=faces.images, labels=faces.labels, usage=np.array(SPLITS)[faces.splits])

    return made_once(tmp_path_factory, "small", write) / "small.npz"


@pytest.fixture(scope="module")
def few_scored() -> Iterator[None]:
    """Let a module's evaluations be short, as `few_light_faces` does."""
    with few_light_faces():
        yield


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium or Chrome; skips where there is none."""
    found = find_chromium()
    if found is not None:
        return found
    pytest.skip("no Chromium on PATH; install one to test the dashboard in a browser")
