"""The page Methods and `fergan compare`, on a registry of two methods with seeds, speeds and few-step scores."""

import json

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.charts.methods import cost_figure
from dashboard.sections.methods_cost import samplings
from fergan_core.metrics.catalogue import CATALOGUE
from fergan_core.recipe import PRESETS, to_dict
from fergan_core.registry import Registry, Score
from tests.support.pages import open_page
from trainers.cli import main

FLOW = {"kind": "flow", "sampler": "midpoint", "sample_steps": 18, "guidance": 1.0}


def add_run(
    registry: Registry,
    preset: str,
    seed: int,
    method: dict[str, object],
    fid: float,
    cost: float,
    steps: tuple[int, ...],
) -> str:
    """A run of 200 steps, scored at half and end, and at the end in fewer steps of its sampler too."""
    plain = to_dict(PRESETS[preset])
    recipe = plain | {"seed": seed, "method": plain["method"] | method}
    run_id = registry.create_run(
        name=f"{preset}, seed {seed}", method=str(method["kind"]), preset=preset, recipe=recipe, seed=seed,
        provenance={}, dataset={"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 600},
        tags=[], epochs=2, steps=200,
    )  # fmt: skip
    registry.add_points(run_id, [("flops_per_image", 1, cost)])
    registry.add_points(run_id, [("images_per_second", step, 1e9 / cost) for step in range(1, 201)])
    registry.progress(run_id, epoch=2, step=200, images_seen=200 * 64)
    for epoch, step, worse in ((1, 100, 2.0), (2, 200, 1.0)):
        score(registry, run_id, epoch, step, worse * fid, 1e4 / cost, {})
    for number in steps:
        sampling = {"sampling": {"sampler": "midpoint", "steps": number, "guidance": 1.0}}
        score(registry, run_id, 2, 200, fid * 18 / number, 1e11 / cost / number, sampling)
    registry.set_status(run_id, "finished")
    return run_id


def score(
    registry: Registry, run_id: str, epoch: int, step: int, fid: float, speed: float, sampling: dict[str, object]
) -> None:
    protocol = {"count": 2000, "prior": "natural", "seed": 0, "truncation": 1.0, **sampling}
    scores = [Score("fid", fid, 0.99 * fid, 1.01 * fid, 0.1), Score("accuracy", 0.5), Score("speed", speed)]
    scores.append(Score("accuracy", 1 / (1 + fid), emotion="fear"))
    registry.add_evaluation(
        run_id, epoch=epoch, step=step, judge="synthfer", judge_sha256="s" * 64, protocol=protocol, scores=scores
    )


@pytest.fixture(scope="module")
def two_methods(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    url = str(tmp_path_factory.mktemp("methods") / "runs.db")
    registry = Registry(url)
    ids = [
        add_run(registry, preset, seed, method, fid + 0.1 * seed, cost, steps)
        for preset, method, fid, cost, steps in (
            ("quick", {"kind": "gan"}, 9.0, 1e8, ()),
            ("flow-quick", FLOW, 4.0, 5e8, (1, 4)),
        )
        for seed in range(3)
    ]
    return url, ids


def page(url: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    return open_page("methods", url, monkeypatch, query)


@pytest.mark.slow
def test_at_an_equal_budget_seeds_are_paired_and_the_verdict_says_how_sure_it_is(
    two_methods: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = two_methods
    app = page(url, monkeypatch, runs=",".join(ids), budget="equal images")
    table = app.dataframe[0].value
    assert list(table.method) == ["quick", "flow-quick"]
    assert list(table.seeds) == [3, 3]
    assert list(table.spent) == ["12,800", "12,800"]
    verdict = app.markdown[0].value.replace("\\", "")
    assert "3 paired seeds do not show" not in verdict
    assert "'flow-quick' is better" in verdict
    assert not app.warning
    # The page opens on them by itself.
    assert set(page(url, monkeypatch).multiselect[0].value) == set(ids)
    # The GAN ends after a fifth of the flow's time, before the flow was scored for the first time.
    app = page(url, monkeypatch, runs=",".join(ids), budget="equal seconds")
    assert list(app.dataframe[0].value.spent) == ["1,280", "3,200"]
    assert any("2.5 times as much" in warning.value.replace("\\", "") for warning in app.warning)
    app = page(url, monkeypatch, runs=",".join(ids), budget="equal images", equal_images="6000")
    assert list(app.dataframe[0].value.spent) == ["6,400", "6,400"]


def verdicts_of_three() -> None:
    import pandas as pd

    from dashboard.sections import methods_budget
    from fergan_core.metrics.catalogue import CATALOGUE

    rows = [
        {"rival": rival, "seed": seed, "metric": "fid", "emotion": None, "value": fid + seed / 10}
        for rival, fid in (("worst", 20.0), ("best", 4.0), ("middle", 8.0))
        for seed in range(3)
    ]
    matched = pd.DataFrame(rows).assign(low=float("nan"), high=float("nan"))
    methods_budget.show_verdicts(matched, CATALOGUE["fid"], "FID", None, {})


def test_the_best_method_is_compared_first_and_the_others_are_folded() -> None:
    app = AppTest.from_function(verdicts_of_three, default_timeout=60).run()
    first, folded = (part.value.splitlines() for part in app.markdown)
    assert len(first) == 2
    assert all("'best' is better" in sentence for sentence in first)
    assert app.expander[0].label == "The others among themselves: 1 comparison"
    assert len(folded) == 1
    assert "'worst'" in folded[0]
    assert "'middle'" in folded[0]


@pytest.fixture(scope="module")
def disputed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """Two methods of which one is better by the first judge, and the other elsewhere; a third whose scores are old."""
    url = str(tmp_path_factory.mktemp("disputed") / "runs.db")
    registry = Registry(url)
    ids = []
    for preset, fid, pixels, by_check in (("quick", 1.0, 0.05, 3.0), ("vae-quick", 2.0, 0.01, 2.9), ("dcgan", 4, 0, 0)):
        run_id = add_run(registry, preset, 0, {"kind": PRESETS[preset].method.kind}, 99.0, 1e8, ())
        ids.append(run_id)
        for judge, prior, value in (
            ("synthfer", "natural", fid),
            ("synthfer", "balanced", 50.0),
            ("check", "natural", by_check),
        ):
            protocol = {"count": 2000, "prior": prior, "seed": 1, "truncation": 1.0}
            scores = [Score("fid", value, 0.9 * value, 1.1 * value, 0.1)] if value else []
            scores += [Score("fid_pixels", pixels, 0.9 * pixels, 1.1 * pixels, 0.01)] if pixels else []
            for epoch, step in ((1, 100), (2, 200)):
                registry.add_evaluation(
                    run_id,
                    epoch=epoch,
                    step=step,
                    judge=judge,
                    judge_sha256=judge[0] * 64,
                    protocol=protocol,
                    scores=scores,
                )
    return url, ids


PIXELS = "By pixels' principal components the order is the other way round: 'vae-quick' 0.01"
CHECK = "By judge check (cccccccc) the order is the other way round, by no more than chance may give: 'vae-quick' 2.9"


@pytest.mark.slow
def test_the_page_says_where_a_verdict_does_not_stand(
    disputed: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = disputed
    query = {"runs": ",".join(ids), "budget": "equal images"}
    app = page(url, monkeypatch, **query)
    first, *others = app.markdown[0].value.replace("\\", "").splitlines()
    assert "'quick' is better by" in first
    assert PIXELS in first
    assert CHECK in first
    assert not any("the other way round" in sentence for sentence in others)
    captions = [caption.value.replace("\\", "") for caption in app.caption]
    assert any("Not known of 'dcgan': FID, pixels" in caption for caption in captions)
    assert not any("rest on one judge" in caption for caption in captions)
    app = page(url, monkeypatch, **query, score="FID, pixels")
    assert "By the judge's features the order is the other way round: 'quick' 1.000, 'vae-quick' 2.000" in (
        app.markdown[0].value.replace("\\", "")
    )


def test_the_command_says_so_too_and_names_the_natural_prior_that_it_prefers(
    disputed: tuple[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    url, ids = disputed
    words = ["compare", *ids, "--budget", "images", "--registry", url]
    assert main(words) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "judge synthfer (ssssssss), 2,000 faces, natural prior, seed 1" in text
    assert PIXELS in text
    assert CHECK in text
    assert "Not known of 'dcgan': FID, pixels" in text
    assert "rest on one judge" not in text
    assert main([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["prior"] == "natural"
    told = {(duel["metric"], *duel["rivals"]): len(duel["contradictions"]) for duel in answer["duels"]}
    assert told["fid", "quick", "vae-quick"] == 2
    assert told["fid_pixels", "quick", "vae-quick"] == 1
    assert set(told.values()) == {0, 1, 2}


@pytest.mark.slow
def test_the_command_meets_them_where_it_is_told(
    two_methods: tuple[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    url, ids = two_methods
    for at, steps in (([], {200}), (["--at", "6000"], {100})):
        assert main(["compare", *ids, "--budget", "images", *at, "--registry", url, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert {row["step"] for row in answer["scores"]} == steps
    # In TFLOP: 1 of a GAN's 1e8 an image and a flow's 5e8 are 10,000 images and 2,000.
    assert main(["compare", *ids, "--budget", "flops", "--at", "1", "--registry", url, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {(row["rival"], row["step"]) for row in answer["scores"]} == {("quick", 200), ("flow-quick", 100)}
    assert main(["compare", *ids, "--registry", url]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "3 paired seeds suggest that 'flow-quick' is better by " in text
    assert "rest on one judge; `fergan evaluate RUN@all --judge synthfer-check --count 2000`" in text
    assert main(["compare", *ids, "--at", "0", "--registry", url]) == 2
    assert "--at: 0 is not a budget" in capsys.readouterr().err


def test_what_a_face_costs_lists_every_way_of_drawing_and_marks_the_front(
    two_methods: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = two_methods
    app = page(url, monkeypatch, runs=",".join([ids[0], ids[3]]), part="What a face costs")
    table = app.dataframe[0].value
    assert set(table.way) == {"one pass", "midpoint, 18 steps", "midpoint, 4 steps", "midpoint, 1 step"}
    assert table.speed.is_monotonic_decreasing
    on_front = set(table.way[table.front])
    assert "midpoint, 18 steps" in on_front
    assert "midpoint, 1 step" in on_front or "one pass" in on_front


@pytest.mark.slow
def test_an_emotion_s_faces_are_compared_alone(
    two_methods: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = two_methods
    query = {"runs": ",".join(ids), "faces": "fear", "budget": "equal images"}
    app = page(url, monkeypatch, **query)
    assert list(app.selectbox(key="score").options) == ["recognised as requested"]
    assert set(app.dataframe[0].value.accuracy) == {"9.9%", "19.6%"}
    assert "recognised as requested of fear faces: 'quick' 9.9%, 'flow-quick' 19.6%" in app.markdown[0].value.replace(
        "\\", ""
    )
    app = page(url, monkeypatch, **query, part="What a face costs")
    assert {"10.0%", "20.0%"} <= set(app.dataframe[0].value.value)
    assert len(app.dataframe[0].value) == 12
    query["faces"] = "sad"
    for part in ("At an equal budget", "What a face costs"):
        assert "no scores of sad faces" in page(url, monkeypatch, **query, part=part).info[0].value


def test_guided_ways_are_diamonds_that_no_line_joins_to_the_unguided() -> None:
    rows = [("1", 8, 10.0, 3.0), ("1", 1, 100.0, None), ("1", 8, 20.0, 1.0)]
    scores = pd.DataFrame(
        [
            (run, 5, number, metric, None, value, "midpoint", steps, guidance)
            for number, (run, steps, speed, guidance) in enumerate(rows)
            for metric, value in (("fid", 8 / steps), ("speed", speed))
        ],
        columns=["run_id", "step", "evaluation", "metric", "emotion", "value", "sampler", "steps", "guidance"],
    )
    table = samplings(scores, "fid", {"1": "flow"})
    assert list(table.way) == ["midpoint, guidance 3, 8 steps", "midpoint, 1 step", "midpoint, 8 steps"]
    figure = cost_figure(table.assign(front=False), CATALOGUE["fid"], {"flow": "#123456"}, dark=False)
    traces = [(trace.marker.symbol, list(trace.x), list(trace.text), trace.showlegend) for trace in figure.data]
    assert traces == [("circle", [20.0, 100.0], ["8", "1"], True), ("diamond", [10.0], [""], False)]


def test_faces_say_what_is_missing_and_one_run_alone_is_no_comparison(
    two_methods: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = two_methods
    app = page(url, monkeypatch, runs=",".join(ids[:2]), part="Faces")
    assert any("no sheet" in text.value for text in app.text)
    assert any("diffusion, flow or MeanFlow" in info.value for info in app.info)
    assert any("two or more runs" in info.value for info in page(url, monkeypatch, runs=ids[0]).info)
    same = page(url, monkeypatch, runs=",".join(ids[:2]))
    assert any("share one recipe" in info.value for info in same.info)
