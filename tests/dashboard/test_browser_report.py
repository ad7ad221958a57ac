"""A report in Chromium, from a file, without a network: it asks for nothing, all is in sight, axe finds nothing."""

from pathlib import Path
from typing import Any

import pytest

from fergan_core.report import report_of, written
from tests.dashboard.test_browser_accessibility import OF_THE_LOOK, looked_at
from tests.support.pages import opened_offline
from tests.support.showcase import copied_showcase

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.thorough]


def test_a_report_opens_from_a_file_without_a_network_and_is_whole_on_a_telephone(tmp_path: Path, browser: Any) -> None:
    reader = copied_showcase(tmp_path)
    report = report_of(reader, [reader.resolve("unstable-norm"), reader.resolve("report22")])
    content = written(report, "html")
    assert len(content.encode()) < 0.6e6  # with its sheet and findings: five such runs stay below 3 MB
    (tmp_path / "report.html").write_text(content)
    with opened_offline(browser, tmp_path / "report.html") as page:
        for width, scheme, rules in ((1280, "light", {}), (390, "dark", OF_THE_LOOK)):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.reload()
            assert page.locator("h1").inner_text() == "Comparison of 2 runs"
            assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
            assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
            # Of a drawing axe looks at every stroke, for seconds; by what it is called, which stays, it is judged.
            page.evaluate("document.querySelectorAll('.chart svg > g').forEach(drawing => drawing.remove())")
            assert looked_at(page, rules) == []
