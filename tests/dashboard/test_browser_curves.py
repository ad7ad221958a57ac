"""A chart's downloads and its zoom, in Chromium on the committed showcase."""

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from dashboard.charts.palette import ink
from tests.support.pages import overflow

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TIMEOUT_MS = 120_000
PageAt = Callable[..., Any]
INK = "rgb({}, {}, {})".format(*bytes.fromhex(ink(dark=False)[1:]))
SVG = "{http://www.w3.org/2000/svg}"


def chart_of(page: Any) -> Any:
    """Wait for the page's first chart of curves, and bring it into view."""
    chart = page.locator('[class*="st-key-chart-"]').first
    chart.locator(".scatterlayer .trace").first.wait_for(timeout=TIMEOUT_MS)
    chart.get_by_role("button", name="SVG", exact=True).wait_for(timeout=TIMEOUT_MS)
    chart.scroll_into_view_if_needed()
    return chart


def downloaded(page: Any, name: str) -> bytes:
    with page.expect_download(timeout=TIMEOUT_MS) as download:
        chart_of(page).get_by_role("button", name=re.compile(f"^(?!Download plot).*{name}$")).click()
    assert download.value.suggested_filename == f"loss_g.{name.lower()}"
    with open(download.value.path(), "rb") as file:
        return file.read()


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]


def test_the_curve_that_is_shown_is_saved_by_one_click_each_and_a_drag_is_in_the_address(
    page_at: PageAt, showcase_address: str
) -> None:
    page = page_at("/compare?runs=44dzmlfk,6zqvtlyo&x=Epoch&smoothing=100+steps", dark=True, address=showcase_address)
    chart = chart_of(page)

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
    assert {found(r"fill: (rgb\([^)]*\))", text.get("style", "")) for text in texts} == {INK}
    assert min(float(found(r"font-size: ([\d.]+)px", text.get("style", ""))) for text in texts) >= 9.3

    shown = chart.locator(".js-plotly-plot").bounding_box()
    saved = Image.open(io.BytesIO(downloaded(page, "PNG")))
    assert saved.size == (2 * round(shown["width"]), 2 * round(shown["height"]))
    assert saved.convert("RGB").getpixel((2, 2)) == (255, 255, 255)

    area = chart.locator(".nsewdrag").first.bounding_box()
    y = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + 0.5 * area["width"], y)
    page.mouse.down()
    page.mouse.move(area["x"] + 0.6 * area["width"], y, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"from=[45]\d.*to=[56]\d"), timeout=TIMEOUT_MS)
    page.wait_for_timeout(1_500)
    page.mouse.dblclick(area["x"] + 0.3 * area["width"], y)
    page.wait_for_url(lambda url: "from=" not in url, timeout=TIMEOUT_MS)


def test_of_many_grey_curves_the_one_under_the_mouse_stands_out(page_at: PageAt, showcase_address: str) -> None:
    page = page_at(
        "/compare?runs=uhy4iziw,a3s2gka6,7viji4ow,7rsuxtcj,y6zt33zx,kyteumc2,3qiixs3y,esd7qwki,lnrpoway",
        address=showcase_address,
    )
    chart = chart_of(page)
    # What is above the chart may still grow, and a chart that is drawn anew forgets the mouse.
    overflow(page)
    area = chart.locator(".nsewdrag").first.bounding_box()
    x, y = chart.locator(".scatterlayer .trace path.js-line").first.evaluate(
        """path => {
          const at = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM());
          return [at.x, at.y];
        }"""
    )
    page.mouse.move(area["x"] + 20, area["y"] + 20)
    page.mouse.move(x, y, steps=8)
    page.wait_for_function(
        """ink => {
          const path = document.querySelector('.trace.highlighted path.js-line');
          return path && getComputedStyle(path).stroke === ink;
        }""",
        arg=INK,
        timeout=TIMEOUT_MS,
    )
    page.mouse.move(area["x"] - 60, area["y"] - 60, steps=4)
    chart.locator(".trace.highlighted").wait_for(state="detached", timeout=TIMEOUT_MS)
