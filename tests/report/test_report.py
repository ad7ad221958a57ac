"""Reports on runs of the committed showcase, and on runs that lack what a report shows or have names that are code."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fergan_core.registry import Reader, Registry, Score
from fergan_core.report import Report, report_of, written
from fergan_core.report.citation import AUTHORS, LICENCE, TITLE
from fergan_core.report.comparison import compared
from fergan_core.report.contents import ComparisonPart
from fergan_core.report.figures import drawn
from tests.support.machine import ROOT
from tests.support.showcase import copied_showcase
from trainers import cli

ROBUST = "robust, 40 core minutes, seed 0"
NAME = "<script>alert(1)</script> $\\LaTeX_{}$ | `a` & **b**"
DATASET = {"name": "synthfer", "source": "synthfer", "content_hash": "a" * 64, "images": 128}


@pytest.fixture(scope="module")
def showcase(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return copied_showcase(tmp_path_factory.mktemp("showcase"))


@pytest.fixture(scope="module")
def one(showcase: Reader) -> Report:
    return report_of(showcase, [showcase.resolve(ROBUST)])


@pytest.fixture(scope="module")
def page(one: Report) -> str:
    return written(one, "html")


@pytest.mark.slow
def test_the_report_of_a_run_has_its_recorded_numbers_with_intervals_and_real_faces(one: Report, page: str) -> None:
    headline = one.runs[0].headlines[0]
    assert (headline.title, headline.value, headline.interval, headline.real) == (
        "FID ↓", "0.779", "0.721, 0.837", "0.115"
    )  # fmt: skip
    seen = Texts(page).seen.replace("\u00a0", " ")
    for text in ("0.779 [0.721, 0.837]", "82.2% [80.4, 83.8]", "66.8%", "2.302 [2.263, 2.345]", "a0d3b382798f"):
        assert text in seen, text
    for form in ("md", "tex"):
        table = written(one, form)
        assert re.search(r"FID .*0\.779.*0\.721, 0\.837.*0\.115.*59", table), form
    code = next(fact.text for fact in one.runs[0].evidence if fact.name == "Code")
    assert code == "Commit f7b513065c03, with no uncommitted changes."


@pytest.mark.slow
def test_every_figure_is_vector_with_words_and_nothing_asks_for_more_than_the_file_holds(page: str) -> None:
    assert len(page.encode()) < 3e6
    drawings = re.findall(r'<svg role="img" aria-labelledby="([^"]+)"', page)
    assert len(drawings) > 15
    assert len(set(drawings)) == len(drawings)
    assert page.count("<text") > 100
    addresses = re.findall(r'(?:src|href|url)\s*[=(]\s*["\']?([^"\')\s>]+)', page)
    assert {address.partition(":")[0] for address in addresses if not address.startswith("#")} == {"data"}
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(set(ids)) == len(ids)
    assert "<script" not in page


def comparison_of(reader: Reader, *names: str) -> ComparisonPart:
    runs = {run_id: reader.run(run_id) for run_id in map(reader.resolve, names)}
    return compared(reader, runs, dict(zip(runs, names, strict=True)))


@pytest.mark.slow
def test_runs_are_compared_with_verdicts_one_of_each_recipe_or_several_seeds(showcase: Reader) -> None:
    pair = comparison_of(showcase, "robust, 8 epochs, seed 0", "dcgan-concat, 8 epochs, seed 0")
    fid = next(row for row in pair.scores[0].rows if row[0] == "FID ↓")
    assert fid[1:] == ("2.244 [2.135, 2.354]", "13.3 [13.1, 13.6]", "0.145")
    assert pair.verdicts[0].rows[0][1] == "'robust' is better, of these two runs; other seeds may differ"
    assert {"g_lr", "width"} <= {row[0] for row in pair.differences[0].rows}
    seeds = [f"{name}, 8 epochs, seed {seed}" for name in ("robust", "dcgan-concat") for seed in (0, 1, 2)]
    verdicts = {row[0]: row[1] for row in comparison_of(showcase, *seeds).verdicts[0].rows}
    assert verdicts["FID ↓"] == "3 paired seeds suggest that 'robust' is better"
    other_data = comparison_of(showcase, "robust, 8 epochs, seed 0", "unstable-norm")
    assert not other_data.verdicts
    assert "different data" in other_data.missing["verdicts"]


class Texts(HTMLParser):
    """What a reader sees of a page, and the tags that it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen, self.tags = "", set[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.seen += data


@pytest.mark.slow
def test_other_peoples_text_is_text_in_every_format(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    foreign = {"preset": NAME, "method": {"kind": NAME, NAME: NAME}, "batch_size": 8}
    ids = []
    for seed in (0, 1):
        run_id = registry.create_run(
            name=NAME, method=NAME, preset=NAME, recipe=foreign, dataset=DATASET | {"name": NAME}, seed=seed,
            provenance={"command": NAME}, tags=["tag"], epochs=3, steps=30,
        )  # fmt: skip
        registry.note(run_id, NAME)
        registry.tag(run_id, "<b>")
        registry.add_points(run_id, [(NAME, step, 1.0 / step) for step in range(1, 31)])
        registry.add_evaluation(
            run_id, epoch=3, step=30, judge=NAME, judge_sha256="5" * 64,
            protocol={"count": 500, "seed": 0, "prior": "natural"}, scores=[Score("fid", 2.0, 1.5, 2.5, 1.0)],
        )  # fmt: skip
        ids.append(run_id)
    report = report_of(registry.reader, ids)
    page = Texts(written(report, "html"))
    assert page.seen.count(NAME) >= 2 * 6
    assert page.tags & {"script", "b"} == set()
    markdown = written(report, "md")
    assert r"\<script\>alert(1)\</script\>".replace("(", r"\(").replace(")", r"\)") in markdown
    assert not re.search(r"(?<!\\)<script", markdown)
    assert r"\textless{}script\textgreater{}alert(1)" in written(report, "tex")
    assert r"\$\textbackslash{}LaTeX\_\{\}\$ \textbar{}" in written(report, "tex")


@pytest.mark.slow
def test_a_run_with_nothing_but_a_foreign_recipe_says_what_is_missing_and_how_to_get_it(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    run_id = registry.create_run(
        name="bare", method="elsewhere", preset="none", recipe={}, dataset={"name": "mine", "content_hash": ""}, seed=0,
        provenance={}, tags=(), epochs=0, steps=0,
    )  # fmt: skip
    for ids in ([run_id], ["report22"], [run_id, "report22"]):
        report = report_of(registry.reader, ids)
        page = Texts(written(report, "html")).seen
        assert "No sheet of faces was recorded" in page
        assert "No curve was recorded" in page or "No point yet" in page
        assert written(report, "md")
        assert written(report, "tex")
    assert f"fergan evaluate {run_id}@all" in Texts(written(report_of(registry.reader, [run_id]), "html")).seen


@pytest.mark.slow
def test_the_command_writes_by_the_name_of_the_file_and_refuses_in_one_sentence(
    showcase: Reader, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--registry", showcase.url]
    assert cli.main(["report", ROBUST, "--out", str(tmp_path / "table.tex"), *flags]) == 0
    assert r"\toprule" in (tmp_path / "table.tex").read_text()
    assert cli.main(["report", ROBUST, "--out", str(tmp_path / "table.txt"), "--format", "md", *flags]) == 0
    assert "| --- |" in (tmp_path / "table.txt").read_text()
    capsys.readouterr()
    for words in (
        ["nobody", "--out", str(tmp_path / "a.html")],
        [ROBUST, "--out", str(tmp_path / "no" / "a.html")],
        [ROBUST, "--out", str(tmp_path)],
        ["--out", str(tmp_path / "a.html")],
    ):
        assert cli.main(["report", *words, *flags]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
    assert not (tmp_path / "a.html").exists()


def test_the_same_chart_is_drawn_the_same(one: Report) -> None:
    chart = one.runs[0].figures[0].charts[0]
    assert drawn(chart, 1) == drawn(chart, 1)


def test_the_citation_has_the_facts_of_citation_cff() -> None:
    facts = (ROOT / "CITATION.cff").read_text()
    assert f'title: "{TITLE}"' in facts
    assert f"  - name: {AUTHORS}\n" in facts
    assert f"license: {LICENCE}\n" in facts
    assert "arxiv.org/abs/1307.0414" in facts
