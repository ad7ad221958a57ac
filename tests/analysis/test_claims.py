"""Verdicts on hand-made studies: each answer is given where it should be, and what differs is never pooled."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from fergan_core.analysis.claims import CLAIMS, SCORES, STUDIES, Study, verdicts
from fergan_core.analysis.claims.parameters import parameters
from fergan_core.analysis.claims.scarcity import at_most_images, few_steps, little_data
from fergan_core.metrics.catalogue import CATALOGUE
from tests.analysis.claim_studies import around, run, study

# Little data ---------------------------------------------------------------------------------------------------------


def sized(
    small: Sequence[float], large: Sequence[float], *, metric: str = "coverage", collapsed: tuple[int, int] = (0, 0)
) -> Study:
    """A study of 200 and 1,000 faces with each run's last score; the first `collapsed` runs of each size collapse."""
    runs = []
    for images, values, collapses in ((200, small, collapsed[0]), (1000, large, collapsed[1])):
        for seed, value in enumerate(values):
            findings = [("collapse", 300, "alarm")] if seed < collapses else []
            runs.append(run(seed, [value / 2, value], images=images, metric=metric, every=200, findings=findings))
    return study(*runs)


FEW, MANY = [around(0.2, seed) for seed in range(5)], [around(0.6, seed) for seed in range(5)]


def test_a_score_that_is_worse_with_little_data_is_a_collapse() -> None:
    verdict = little_data(sized(FEW, MANY, collapsed=(4, 0)), SCORES["coverage"])
    assert (verdict.verdict, verdict.strength) == ("holds", "shown")
    assert (verdict.low, verdict.high) == pytest.approx((0.377, 0.423), abs=0.001)
    assert "coverage is 20.0% with 200 training faces and 60.0% with 1,000: lower by 40.0 points" in verdict.sentence
    assert "4 of 5 runs against 0 of 5 (Fisher's exact test, p = 0.048)" in verdict.sentence
    assert "After 20,000 images seen" in verdict.sentence
    assert little_data(sized(FEW[:3], MANY[:3]), SCORES["coverage"]).strength == "suggested"


def test_distances_are_compared_as_ratios() -> None:
    verdict = little_data(sized([8.0, 9.0, 10.0], [2.0, 2.2, 1.8], metric="fid"), SCORES["fid"])
    assert verdict.verdict == "holds"
    assert "4.50 times as high" in verdict.sentence
    assert verdict.low is not None
    assert verdict.high is not None
    assert 1 < verdict.low < 4.5 < verdict.high


def test_collapses_alone_are_enough_where_the_score_cannot_tell() -> None:
    wide = [0.1, 0.9, 0.5, 0.3, 0.7]
    assert little_data(sized(wide, MANY), SCORES["coverage"]).verdict == "cannot tell"
    assert little_data(sized(wide, MANY, collapsed=(5, 0)), SCORES["coverage"]).verdict == "holds"
    assert little_data(sized(wide, MANY, collapsed=(3, 0)), SCORES["coverage"]).verdict == "cannot tell"


def test_a_score_and_collapses_that_contradict_each_other_decide_nothing() -> None:
    assert little_data(sized(FEW, MANY, collapsed=(0, 5)), SCORES["coverage"]).verdict == "cannot tell"
    assert little_data(sized(MANY, FEW, collapsed=(5, 0)), SCORES["coverage"]).verdict == "cannot tell"


def test_it_does_not_hold_where_the_score_is_less_than_a_tenth_worse() -> None:
    same = little_data(sized(MANY, MANY), SCORES["coverage"])
    assert (same.verdict, same.strength) == ("does not hold", "shown")
    # Different, but by too little to matter.
    tiny = little_data(sized([0.599, 0.6, 0.598], [0.61, 0.611, 0.609]), SCORES["coverage"])
    assert tiny.low is not None
    assert tiny.low > 0
    assert tiny.verdict == "does not hold"
    # Better with less is not worse.
    assert little_data(sized(MANY, FEW), SCORES["coverage"]).verdict == "does not hold"
    assert "higher by 40.0 points" in little_data(sized(MANY, FEW), SCORES["coverage"]).sentence
    # A greater share of runs that collapse forbids it, though it proves nothing.
    assert little_data(sized(MANY, MANY, collapsed=(1, 0)), SCORES["coverage"]).verdict == "cannot tell"


def test_runs_are_compared_after_the_same_number_of_images() -> None:
    short = [run(seed, [0.1, 0.2], images=200, every=100) for seed in range(3)]
    long = [
        run(seed, [0.1, 0.19, 0.5, 0.9], images=1000, every=102, findings=[("collapse", 300, "alarm")])
        for seed in range(3)
    ]
    tables = study(*short, *long)
    verdict = little_data(tables, SCORES["coverage"])
    assert "20.0% with 200 training faces and 19.0% with 1,000" in verdict.sentence
    # A later collapse does not count yet.
    assert "0 of 3 runs against 0 of 3" in verdict.sentence


def test_the_common_number_of_images_is_not_that_of_one_short_run() -> None:
    scores = pd.DataFrame(
        {
            "images": [200] * 4 + [1000] * 3,
            "run_id": ["a", "b", "c", "d", "e", "f", "g"],
            "seed": [0, 1, 2, 3, 0, 1, 2],
            "images_seen": [1000, 1000, 1000, 10, 1050, 1050, 2000],
        }
    )
    assert list(at_most_images(scores)["run_id"]) == ["a", "b", "c", "e", "f"]


def test_one_size_or_two_seeds_are_not_enough() -> None:
    single_size = study(*(run(seed, [0.1, 0.2]) for seed in range(3)))
    assert "train with fewer too" in little_data(single_size, SCORES["coverage"]).sentence
    two_seeds = little_data(sized(FEW[:2], MANY), SCORES["coverage"])
    assert two_seeds.verdict == "cannot tell"
    assert "the study has 2 with 200 training faces and 5 with 1,000." in two_seeds.sentence
    unscored = little_data(sized(FEW, MANY), SCORES["recall"])
    assert "None of 10 runs has two evaluations" in unscored.sentence


# What is never pooled ------------------------------------------------------------------------------------------------


def test_other_data_and_other_recipes_are_left_out_and_mentioned() -> None:
    comparable = [run(seed, [0.1, value], images=200) for seed, value in enumerate(FEW)]
    comparable += [run(seed, [0.1, value], images=1000, epochs=20) for seed, value in enumerate(MANY)]
    others = [run(7, [0.9, 0.9], images=200, data="other"), run(8, [0.9, 0.9], images=200, batch_size=25)]
    verdict = little_data(study(*comparable, *others), SCORES["coverage"])
    assert verdict.verdict == "holds"
    assert (verdict.data, len(verdict.run_ids)) == ("faces", 10)
    assert verdict.sentence.endswith("Left out: 2 runs on other data or with another recipe.")
    assert "20.0% with 200" in verdict.sentence


def test_of_several_judges_the_newest_that_scored_all_runs_counts() -> None:
    def judged(newer: int) -> Study:
        tables = sized(FEW, MANY)
        ids = list(tables.runs["run_id"])[:newer]
        again = tables.scores[tables.scores["run_id"].isin(ids)]
        again = again.assign(judge="new", judge_sha256="2" * 64, value=0.5)
        return Study(tables.runs, pd.concat([tables.scores, again]), tables.findings)

    assert little_data(judged(9), SCORES["coverage"]).protocol.startswith("judge j (11111111), 2,000 faces")
    assert little_data(judged(9), SCORES["coverage"]).verdict == "holds"
    assert little_data(judged(10), SCORES["coverage"]).protocol.startswith("judge new (22222222), 2,000 faces")
    assert little_data(judged(10), SCORES["coverage"]).verdict == "does not hold"


def test_runs_that_no_common_judge_scored_are_left_out_and_mentioned() -> None:
    runs = [run(seed, [0.1, value], images=200) for seed, value in enumerate(FEW)]
    runs += [run(seed, [0.1, value], images=1000) for seed, value in enumerate(MANY)]
    other = {"judge": "other", "judge_sha256": "3" * 64}
    verdict = little_data(study(*runs, run(5, [0.1, 0.9], images=200, protocol=other)), SCORES["coverage"])
    assert "Left out: 1 run with too few evaluations by this judge." in verdict.sentence
    assert len(verdict.run_ids) == 10


def test_the_same_seed_twice_is_one_run() -> None:
    twice = [run(seed, [0.1, value], images=200, created=1.0) for seed, value in enumerate(FEW)]
    twice += [run(0, [0.9, 0.9], images=200), run(1, [], images=200, status="failed", created=2.0)]
    tables = study(*twice, *(run(seed, [0.1, value]) for seed, value in enumerate(MANY)))
    verdict = little_data(tables, SCORES["coverage"])
    assert len(verdict.run_ids) == 10
    assert "20.0% with 200" in verdict.sentence


# Few steps -----------------------------------------------------------------------------------------------------------


def stepped(first: float, last: float, collapsed: int, *, severity: str = "warning", step: int = 100) -> Study:
    """Five seeds with ten evaluations; in the first `collapsed` of them an emotion collapsed at a step."""
    findings = [("collapse", step, severity)]
    return study(
        *(
            run(
                seed,
                list(np.linspace(around(first, seed), around(last, seed, 0.02), 10)),
                findings=findings if seed < collapsed else [],
            )
            for seed in range(5)
        )
    )


def test_worse_at_first_with_collapses_that_passed_is_a_collapse_with_few_steps() -> None:
    verdict = few_steps(stepped(0.1, 0.5, 3), SCORES["coverage"])
    assert (verdict.verdict, verdict.strength) == ("holds", "shown")
    assert "10.0% after 5,000 images seen and 50.0% after 50,000: at first lower by 40.0 points" in verdict.sentence
    assert "later recovered was found in 3 of 5 runs." in verdict.sentence
    # Paired: the seeds' own spread does not widen the interval.
    assert (verdict.low, verdict.high) == pytest.approx((0.4 - 0.01963, 0.4 + 0.01963), abs=1e-4)


def test_worse_at_first_is_not_a_collapse_by_itself() -> None:
    verdict = few_steps(stepped(0.1, 0.5, 0), SCORES["coverage"])
    assert verdict.verdict == "cannot tell"
    assert "that they make fewer different ones is not shown" in verdict.sentence
    for other in (stepped(0.1, 0.5, 5, severity="alarm"), stepped(0.1, 0.5, 5, step=900), stepped(0.1, 0.5, 2)):
        assert few_steps(other, SCORES["coverage"]).verdict == "cannot tell"


def test_without_a_worse_start_and_a_collapse_it_does_not_hold() -> None:
    assert few_steps(stepped(0.5, 0.5, 0), SCORES["coverage"]).verdict == "does not hold"
    assert few_steps(stepped(0.5, 0.5, 1), SCORES["coverage"]).verdict == "cannot tell"


def test_only_the_largest_size_counts_and_its_first_evaluation_must_be_early() -> None:
    small = [run(seed, [0.5, 0.1, 0.1, 0.1, 0.1], images=200) for seed in range(5)]
    large = [run(seed, [around(0.1, seed), 0.2, 0.3, 0.4, 0.5], every=20) for seed in range(5)]
    verdict = few_steps(study(*small, *large), SCORES["coverage"])
    assert "With 1,000 training faces" in verdict.sentence
    assert len(verdict.run_ids) == 5
    assert set(verdict.table["images"]) == {1000}
    late = few_steps(study(*(run(seed, [0.1, 0.5]) for seed in range(3))), SCORES["coverage"])
    assert "The first evaluation came after 50% of the training" in late.sentence
    assert (
        "the study has 2."
        in few_steps(study(*(run(seed, [0.1] * 5) for seed in range(2))), SCORES["coverage"]).sentence
    )


# Parameters ----------------------------------------------------------------------------------------------------------


def swept(effect: float, noise: float, seeds: int = 5, broken: int = 0) -> Study:
    """A grid of two losses and two widths; the loss has an effect on log FID; `broken` runs of hinge diverge."""
    source, runs = np.random.default_rng(3), []
    for loss in ("bce", "hinge"):
        for width in (8, 16):
            for seed in range(seeds):
                log = 1 + effect * (loss == "hinge") + noise * source.standard_normal()
                diverged = loss == "hinge" and seed < broken
                row, scores, _ = run(
                    seed, [] if diverged else [np.exp(log)],
                    metric="fid", status="diverged" if diverged else "finished",
                    method={"kind": "gan", "loss": loss, "width": width},
                )  # fmt: skip
                row["run_id"] = row["name"] = f"{loss}-{width}-{seed}"
                runs.append((row, [score | {"run_id": row["run_id"]} for score in scores], []))
    return study(*runs)


def test_a_score_that_varies_by_setting_depends_on_parameters() -> None:
    verdict = parameters(swept(effect=2.0, noise=0.1), SCORES["fid"])
    assert (verdict.verdict, verdict.strength) == ("holds", "shown")
    assert verdict.high is not None
    assert verdict.high < 0.1
    assert "largest share is loss" in verdict.sentence
    assert "The best setting (loss=bce, width=" in verdict.sentence
    assert "the worst setting (loss=hinge, width=" in verdict.sentence
    assert "failed in 0 of 5 runs" in verdict.sentence
    assert set(verdict.table["parameter"]) == {"loss", "width", "seed"}
    assert parameters(swept(effect=2.0, noise=0.1, seeds=3), SCORES["fid"]).strength == "suggested"


def test_a_score_that_varies_by_seed_alone_does_not_depend_on_parameters() -> None:
    verdict = parameters(swept(effect=0.0, noise=1.0, seeds=30), SCORES["fid"])
    assert verdict.verdict == "does not hold"
    assert verdict.low is not None
    assert verdict.low > 0.5


def test_a_share_near_one_half_is_undecided() -> None:
    assert parameters(swept(effect=2.0, noise=1.0, seeds=3), SCORES["fid"]).verdict == "cannot tell"


def test_a_setting_without_a_score_is_the_worst_and_its_failures_are_counted() -> None:
    verdict = parameters(swept(effect=1.0, noise=0.1, broken=5), SCORES["fid"])
    assert "no score) failed in 5 of 5 runs" in verdict.sentence


def test_one_seed_per_setting_or_one_setting_decides_nothing() -> None:
    single_seed = parameters(swept(effect=2.0, noise=0.1, seeds=1), SCORES["fid"])
    assert single_seed.verdict == "cannot tell"
    assert "at least 3 seeds with a score of each setting; the study has 1." in single_seed.sentence
    single_setting = parameters(study(*(run(seed, [2.0], metric="fid") for seed in range(6))), SCORES["fid"])
    assert "0 varied fields" in single_setting.sentence
    assert "All runs have the same FID" in parameters(swept(effect=0.0, noise=0.0), SCORES["fid"]).sentence


# All -----------------------------------------------------------------------------------------------------------------


def test_without_runs_no_claim_is_tried_and_without_ended_runs_none_is_decided() -> None:
    untried = verdicts(dict.fromkeys(STUDIES, study()), SCORES["coverage"])
    assert [verdict.claim for verdict in untried] == list(CLAIMS)
    assert {(verdict.verdict, verdict.strength, len(verdict.run_ids)) for verdict in untried} == {
        ("not tried", None, 0)
    }
    assert all(verdict.claim.study in verdict.sentence for verdict in untried)
    running = study(run(0, [0.1, 0.2], status="running"))
    for verdict in verdicts(dict.fromkeys(STUDIES, running), SCORES["coverage"]):
        assert verdict.verdict == "cannot tell"
        assert verdict.sentence == "No run of the study has ended yet (1 run started)."


def test_scores_have_the_titles_and_directions_of_the_catalogue() -> None:
    for key, score in SCORES.items():
        assert (score.key, score.title) == (key, CATALOGUE[key].title)
        assert (score.kind == "share") == (CATALOGUE[key].better == "higher") == (CATALOGUE[key].unit == "share")
