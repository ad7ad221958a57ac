"""A chart's downloads and its zoom, in Chromium on the committed showcase."""

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from tests.support.machine import ROOT, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TIMEOUT_MS = 120_000
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def showcase() -> Iterator[str]:
    """Serve the committed showcase."""
    with served(str(ROOT / "runs.db")) as (address, _):
        yield address


def downloaded(page: Any, name: str) -> bytes:
    with page.expect_download(timeout=TIMEOUT_MS) as download:
        page.get_by_role("button", name=re.compile(f"{name}$")).first.click()
    assert download.value.suggested_filename == f"loss_g.{name.lower()}"
    with open(download.value.path(), "rb") as file:
        return file.read()


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]


def test_the_curve_that_is_shown_is_saved_by_one_click_each_and_a_drag_is_in_the_address(
    showcase: str, context_of: Any
) -> None:
    page = context_of(True, 1280).new_page()
    page.goto(f"{showcase}/compare?runs=44dzmlfk,6zqvtlyo&x=Epoch&smoothing=100+steps")
    page.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for(timeout=TIMEOUT_MS)
    page.get_by_role("button", name="SVG").wait_for(timeout=TIMEOUT_MS)

    table = pd.read_csv(io.BytesIO(downloaded(page, "CSV")))
    assert list(table) == ["line", "epoch", "value", "unsmoothed", "low", "high"]
    assert set(table.line) == {"report-small", "quick-fer2013"}
    assert table.epoch.max() == 100

    picture = ET.fromstring(downloaded(page, "SVG"))
    assert (picture.tag, float(picture.get("width", 0))) == (f"{SVG}svg", 321)  # 8.5 cm
    ground = next(picture.iter(f"{SVG}rect"))
    assert ground.get("width") == picture.get("width")
    assert "fill: rgb(255, 255, 255)" in ground.get("style", "")
    lines = [line.get("style", "") for line in picture.iter(f"{SVG}path") if line.get("class") == "js-line"]
    assert {"rgb(68, 119, 170)", "rgb(230, 90, 108)"} <= {found(r"stroke: (rgb\([^)]*\))", line) for line in lines}
    texts = list(picture.iter(f"{SVG}text"))
    assert {"epoch", "loss of G", "report-small", "quick-fer2013"} <= {"".join(text.itertext()) for text in texts}
    # Dark letters on white, of 7 points or more.
    assert {found(r"fill: (rgb\([^)]*\))", text.get("style", "")) for text in texts} == {"rgb(32, 39, 44)"}
    assert min(float(found(r"font-size: ([\d.]+)px", text.get("style", ""))) for text in texts) >= 9.3

    shown = page.locator(".js-plotly-plot").first.bounding_box()
    saved = Image.open(io.BytesIO(downloaded(page, "PNG")))
    assert saved.size == (2 * round(shown["width"]), 2 * round(shown["height"]))
    assert saved.convert("RGB").getpixel((2, 2)) == (255, 255, 255)

    area = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    y = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + 0.5 * area["width"], y)
    page.mouse.down()
    page.mouse.move(area["x"] + 0.6 * area["width"], y, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"from=4\d.*to=5\d|from=5\d.*to=6\d"), timeout=TIMEOUT_MS)
    page.wait_for_timeout(1_500)
    page.mouse.dblclick(area["x"] + 0.3 * area["width"], y)
    page.wait_for_url(lambda url: "from=" not in url, timeout=TIMEOUT_MS)
    page.close()


def test_of_many_grey_curves_the_one_under_the_mouse_stands_out(showcase: str, context_of: Any) -> None:
    page = context_of(False, 1280).new_page()
    page.goto(
        f"{showcase}/compare?runs=jzbhovdb,od3nzxf2,4cnrr3ql,c5bbaddj,b6o74vkr,lrkkyiu2,txltsijz,gfwwvxe4,p6sjd762"
    )
    page.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for(timeout=TIMEOUT_MS)
    page.get_by_role("button", name="SVG").wait_for(timeout=TIMEOUT_MS)
    area = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    line = page.locator(".js-plotly-plot .scatterlayer .trace path.js-line").first.bounding_box()
    page.mouse.move(area["x"] + 20, area["y"] + 20)
    page.mouse.move(line["x"] + line["width"] / 2, line["y"] + line["height"] / 2, steps=8)
    standing_out = page.locator(".js-plotly-plot .trace.highlighted path.js-line")
    standing_out.wait_for(timeout=TIMEOUT_MS)
    assert standing_out.evaluate("path => path.style.stroke") == "rgb(32, 39, 44)"
    page.mouse.move(area["x"] - 60, area["y"] - 60, steps=4)
    page.locator(".js-plotly-plot .trace.highlighted").wait_for(state="detached", timeout=TIMEOUT_MS)
    page.close()
