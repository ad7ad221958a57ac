"""Retake the documents' pictures of pages from the committed registry: `python -m benchmarks.pictures [NAME...]`.

Each shows part of a page in the light theme, 1280 pixels wide, and is written to docs/NAME.webp. All faces in them are
generated: no picture shows a page with images of FER2013.
"""

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from tests.support.machine import CHROMIUM_ARGUMENTS, ROOT, find_chromium, served

WIDTH = 1280
_HEIGHT = 2600  # of the window, so that nothing has to be scrolled
_SETTLE_MS = 3_000  # figures and faces appear with an animation, or after the page

_CHART = ".js-plotly-plot"
_FACES = ".player[data-drawn]:not([data-drawn=''])"
# Runs of the committed registry.
_QUICK, _REPORT, _LITERATURE = "6zqvtlyo", "44dzmlfk", "report22"
_NO_NORM, _FEW_IMAGES = "qoych4ns", "z2gzqvpm"
_FIVE_METHODS = "ufrcf2ww,4lodomfs,opyywkub,dyfg3ypf,qhg7ae46"


@dataclass(frozen=True)
class Shot:
    """A page's address, the selector of what must be on it, and the part to take: `height` pixels from a heading or the
    top."""

    address: str
    complete_when: str
    height_px: int
    heading: str | None = None


SHOTS = {
    "runs": Shot("runs?preset=robust", "tbody tr", 600),
    "run": Shot(f"run?run={_QUICK}", _CHART, 1000),
    "checkpoints": Shot(f"checkpoints?run={_QUICK}", _FACES, 900),
    "inception_score": Shot(f"inception_score?runs={_QUICK},{_REPORT},{_LITERATURE}", _CHART, 920),
    "scores": Shot(f"scores?runs={_QUICK},{_REPORT}", "[data-testid=stDataFrame]", 1000),
    "confusion": Shot(f"scores?part=Confusion&runs={_QUICK},{_REPORT}", _CHART, 1000),
    "collapse": Shot(f"collapse?runs={_NO_NORM},{_FEW_IMAGES}", _CHART, 690),
    "instability": Shot(f"instability?run={_FEW_IMAGES}", _CHART, 1480),
    "forks": Shot(f"run?run={_FEW_IMAGES}&curve=pulse_diversity/disgust", _CHART, 810, "Parents and forks"),
    "study": Shot("studies?study=claim-parameters", _CHART, 1240),
    "compare": Shot(f"compare?runs={_QUICK},{_REPORT}", _FACES, 1000),
    "claims": Shot("claims?score=FID", _CHART, 1240),
    "methods": Shot(f"methods?runs={_FIVE_METHODS}&equal_seconds=2400", _CHART, 1000),
}


def take(names: Sequence[str]) -> None:
    """Open each page in Chromium, write its picture, and print its path and size."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("pictures: there is no Chromium on PATH; install chromium, then run this again")
    from playwright.sync_api import sync_playwright

    with served(str(ROOT / "runs.db")) as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGUMENTS))
        for name in names:
            shot = SHOTS[name]
            page = browser.new_page(viewport={"width": WIDTH, "height": _HEIGHT}, color_scheme="light")
            page.goto(f"{address}/{shot.address}")
            page.locator(shot.complete_when).first.wait_for(timeout=120_000)
            page.wait_for_timeout(_SETTLE_MS)
            top = 0.0
            if shot.heading is not None:
                box = page.get_by_role("heading", name=shot.heading, exact=True).bounding_box()
                assert box is not None, f"{name}: '{shot.heading}' is not on the page"
                top = box["y"] - 16
            png = page.screenshot(clip={"x": 0, "y": top, "width": WIDTH, "height": shot.height_px})
            page.close()
            path = ROOT / "docs" / f"{name}.webp"
            Image.open(io.BytesIO(png)).convert("RGB").save(path, "WEBP", quality=82, method=6)
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e3:.0f} kB")
        browser.close()


def main() -> int:
    """Entry point of `python -m benchmarks.pictures`."""
    names = sys.argv[1:] or list(SHOTS)
    if unknown := [name for name in names if name not in SHOTS]:
        sys.exit(f"pictures: unknown picture '{unknown[0]}'; choose from {', '.join(SHOTS)}")
    take(names)
    return 0


if __name__ == "__main__":
    sys.exit(main())
