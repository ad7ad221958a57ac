"""Findings in hand-made histories: each is found at the step where it was put, and none where nothing is wrong."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from fergan_core.analysis.findings import KINDS, Finding, RunHistory, find
from fergan_core.emotions import EMOTIONS

BATCH, PER_EPOCH, STEPS = 100, 250, 1000  # 25,000 images an epoch, 100,000 in all
NO_SCORES = pd.DataFrame(columns=["metric", "emotion", "step", "epoch", "value", "low", "high", "real"])
AT_ALL = np.arange(1, STEPS + 1)
AT_PROBE = np.arange(40, STEPS + 1, 40)


def rows(metric: str, steps: np.ndarray, values: object) -> pd.DataFrame:
    value = np.broadcast_to(np.asarray(values, dtype=float), steps.shape)
    return pd.DataFrame(
        {
            "metric": metric,
            "step": steps,
            "low": value,
            "high": value,
            "mean": value,
            "nans": np.isnan(value).astype(int),
        }
    )


def healthy(**instead: pd.DataFrame) -> list[pd.DataFrame]:
    """The points of a healthy training, with some series replaced."""
    noise = np.random.default_rng(0)
    series = {
        "d_accuracy": rows("d_accuracy", AT_ALL, 0.8 + 0.05 * noise.standard_normal(STEPS)),
        "loss_d": rows("loss_d", AT_ALL, 1.0 + 0.1 * noise.standard_normal(STEPS)),
        "loss_g": rows("loss_g", AT_ALL, 1.5 + 0.3 * noise.standard_normal(STEPS)),
        "grad_norm_d": rows("grad_norm_d", AT_ALL, 2.0 + 0.5 * noise.random(STEPS)),
        "grad_norm_g": rows("grad_norm_g", AT_ALL, 1.0 + 0.5 * noise.random(STEPS)),
        "r_v": rows("r_v", AT_PROBE, 0.1),
        "r_t": rows("r_t", AT_PROBE, 0.6),
        "d_accuracy_old": rows("d_accuracy_old", AT_PROBE, 0.9),
        "spectral": rows("spectral_g/norms.0", AT_PROBE, np.linspace(1, 2, len(AT_PROBE))),
    }
    for name in EMOTIONS:
        series[f"pulse_diversity_{name}"] = rows(f"pulse_diversity/{name}", AT_PROBE, 0.8)
        series[f"pulse_repeats_{name}"] = rows(f"pulse_repeats/{name}", AT_PROBE, 0.05)
        series[f"pulse_reads_{name}"] = rows(f"pulse_reads/{name}", AT_PROBE, EMOTIONS.index(name))
    return list((series | instead).values())


def findings_of(scores: pd.DataFrame = NO_SCORES, **instead: pd.DataFrame) -> list[Finding]:
    history = RunHistory(pd.concat(healthy(**instead)), scores, batch_size=BATCH, steps_per_epoch=PER_EPOCH)
    return find(history)


def only(kind: str, **instead: pd.DataFrame) -> Finding:
    findings = findings_of(**instead)
    assert [finding.kind for finding in findings] == [kind]
    assert kind in KINDS
    return findings[0]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert findings_of() == []


def test_without_any_point_there_is_nothing_to_find() -> None:
    assert find(RunHistory(rows("x", AT_ALL[:0], []), NO_SCORES, batch_size=BATCH, steps_per_epoch=PER_EPOCH)) == []


def test_a_discriminator_that_wins_is_an_alarm_once_the_loss_is_dead() -> None:
    accuracy = np.where(AT_ALL > 400, 0.999, 0.8)
    warning = only("saturation", d_accuracy=rows("d_accuracy", AT_ALL, accuracy))
    assert warning.severity == "warning"
    assert 400 < warning.step <= 450
    assert "epoch 2" in warning.sentence
    dead = rows("loss_d", AT_ALL, np.where(AT_ALL > 400, 0.003, 1.0))
    alarm = only("saturation", d_accuracy=rows("d_accuracy", AT_ALL, accuracy), loss_d=dead)
    assert alarm.severity == "alarm"
    assert alarm.numbers["loss_d"] == pytest.approx(0.003, abs=0.01)


def test_a_short_win_is_not_reported() -> None:
    accuracy = np.where((AT_ALL > 400) & (AT_ALL < 430), 1.0, 0.8)
    assert findings_of(d_accuracy=rows("d_accuracy", AT_ALL, accuracy)) == []


def test_networks_that_take_turns_winning_oscillate() -> None:
    accuracy = np.where((AT_ALL > 300) & (AT_ALL // 30 % 2 == 0), 0.97, np.where(AT_ALL > 300, 0.5, 0.8))
    swings = only("oscillation", d_accuracy=rows("d_accuracy", AT_ALL, accuracy))
    assert 300 < swings.step < 420
    assert swings.numbers["turns"] >= 4


def test_a_gradient_that_runs_away_is_a_divergence_and_a_spike_is_not() -> None:
    away = np.where(AT_ALL > 600, 400.0, 1.2)
    gone = only("divergence", grad_norm_g=rows("grad_norm_g", AT_ALL, away))
    assert 600 <= gone.step <= 615
    assert gone.numbers["usual"] == pytest.approx(1.2)
    spike = np.where(AT_ALL == 600, 400.0, 1.2)
    assert findings_of(grad_norm_g=rows("grad_norm_g", AT_ALL, spike)) == []


def test_a_loss_that_is_not_a_number_is_found_at_its_step() -> None:
    loss = np.where(AT_ALL >= 777, np.nan, 1.5)
    nan = only("nan", loss_g=rows("loss_g", AT_ALL, loss))
    assert (nan.step, nan.severity, nan.numbers["metric"]) == (777, "alarm", "loss_g")
    assert "the generator's loss" in nan.sentence


@pytest.mark.parametrize(
    ("metric", "words"), [("loss", "the loss"), ("grad_norm", "the gradient"), ("loss_held_out/low", "the loss")]
)
def test_a_broken_number_of_a_method_with_one_network_is_found_too(metric: str, words: str) -> None:
    nan = only("nan", one_network=rows(metric, AT_ALL, np.where(AT_ALL >= 777, np.nan, 1.5)))
    assert (nan.step, nan.numbers["metric"]) == (777, metric)
    assert f": {words} is not a number" in nan.sentence


def test_a_discriminator_that_forgets() -> None:
    old = np.where(AT_PROBE > 500, 0.2, 0.9)
    assert only("forgetting", d_accuracy_old=rows("d_accuracy_old", AT_PROBE, old)).step == 520


def test_the_collapse_of_one_emotion_is_dated_and_named() -> None:
    diversity = np.where(AT_PROBE > 500, 0.1, 0.8)
    reads = np.where(AT_PROBE > 500, EMOTIONS.index("angry"), EMOTIONS.index("disgust"))
    collapse = only(
        "collapse",
        pulse_diversity_disgust=rows("pulse_diversity/disgust", AT_PROBE, diversity),
        pulse_reads_disgust=rows("pulse_reads/disgust", AT_PROBE, reads),
    )
    assert (collapse.step, collapse.severity) == (520, "alarm")
    assert collapse.numbers == {"emotion": "disgust", "diversity": 0.1, "before": 0.8, "into": "angry", "until": 1000}
    assert "disgust" in collapse.sentence
    assert "recognises most of these faces as angry" in collapse.sentence


def test_one_bad_probe_is_not_a_collapse() -> None:
    diversity = np.where(AT_PROBE == 520, 0.1, 0.8)
    assert findings_of(pulse_diversity_disgust=rows("pulse_diversity/disgust", AT_PROBE, diversity)) == []


def test_the_first_images_have_no_variety_yet() -> None:
    early = {
        f"pulse_diversity_{name}": rows(f"pulse_diversity/{name}", AT_PROBE, np.where(AT_PROBE < 120, 0.05, 0.8))
        for name in EMOTIONS
    }
    assert findings_of(**early) == []


def test_what_never_had_variety_has_collapsed_too() -> None:
    never = only("collapse", pulse_diversity_fear=rows("pulse_diversity/fear", AT_PROBE, 0.2))
    assert never.step == 120
    assert " before" not in never.sentence


def test_an_emotion_that_recovers_is_a_recovery_and_its_collapse_not_an_alarm() -> None:
    diversity = np.where((AT_PROBE > 400) & (AT_PROBE < 700), 0.1, 0.8)
    findings = findings_of(pulse_diversity_fear=rows("pulse_diversity/fear", AT_PROBE, diversity))
    assert [(finding.kind, finding.step, finding.severity) for finding in findings] == [
        ("collapse", 440, "warning"),
        ("recovery", 720, "info"),
    ]


def test_each_collapse_of_an_emotion_is_found_not_the_first_alone() -> None:
    low = ((AT_PROBE > 300) & (AT_PROBE < 500)) | (AT_PROBE > 800)
    findings = findings_of(pulse_diversity_fear=rows("pulse_diversity/fear", AT_PROBE, np.where(low, 0.1, 0.8)))
    assert [(finding.kind, finding.step, finding.severity) for finding in findings] == [
        ("collapse", 320, "warning"),
        ("recovery", 520, "info"),
        ("collapse", 840, "alarm"),
    ]
    assert [findings[place].numbers["until"] for place in (0, 2)] == [480, 1000]
    # A rise that is not a recovery is no end of a collapse, and no second one follows.
    diversity = np.where((AT_PROBE > 300) & (AT_PROBE < 500), 0.1, np.where(AT_PROBE == 600, 0.3, 0.5))
    diversity[AT_PROBE > 800] = 0.2
    only_one = only("collapse", pulse_diversity_fear=rows("pulse_diversity/fear", AT_PROBE, diversity))
    assert (only_one.step, only_one.numbers["until"]) == (320, 1000)


def test_emotions_that_collapse_one_after_another_are_not_the_whole_generator() -> None:
    turns = {
        f"pulse_diversity_{name}": rows(
            f"pulse_diversity/{name}", AT_PROBE, np.where((at < AT_PROBE) & (at + 100 >= AT_PROBE), 0.1, 0.8)
        )
        for name, at in zip(EMOTIONS[:5], (200, 340, 480, 620, 760), strict=True)
    }
    kinds = [finding.kind for finding in findings_of(**turns)]
    assert (kinds.count("collapse"), kinds.count("recovery"), kinds.count("global-collapse")) == (5, 5, 0)


def test_a_whole_generator_that_recovers_is_a_warning_and_can_collapse_again() -> None:
    low = ((AT_PROBE > 300) & (AT_PROBE < 500)) | ((AT_PROBE > 700) & (AT_PROBE < 900))
    most = {
        f"pulse_diversity_{name}": rows(f"pulse_diversity/{name}", AT_PROBE, np.where(low, 0.1, 0.8))
        for name in EMOTIONS[:5]
    }
    whole = [finding for finding in findings_of(**most) if finding.kind == "global-collapse"]
    assert [(finding.step, finding.severity, finding.numbers["until"]) for finding in whole] == [
        (320, "warning", 480),
        (720, "warning", 880),
    ]


def test_the_collapse_of_most_emotions_is_one_of_the_whole_generator() -> None:
    gone = {
        f"pulse_diversity_{name}": rows(f"pulse_diversity/{name}", AT_PROBE, np.where(at < AT_PROBE, 0.1, 0.8))
        for name, at in zip(EMOTIONS[:5], (300, 340, 380, 420, 460), strict=True)
    }
    findings = findings_of(**gone)
    assert [finding.kind for finding in findings].count("collapse") == 5
    (global_collapse,) = [finding for finding in findings if finding.kind == "global-collapse"]
    assert global_collapse.step == 480  # the fifth of seven is the first to reach 60 %
    assert global_collapse.numbers["emotions"] == sorted(EMOTIONS[:5])


def test_near_duplicates_among_varied_faces_are_repeats() -> None:
    share = np.where(AT_PROBE > 500, 0.8, 0.1)
    repeats = only("repeats", pulse_repeats_sad=rows("pulse_repeats/sad", AT_PROBE, share))
    assert repeats.step == 520
    assert repeats.numbers == {"emotion": "sad", "share": pytest.approx(0.8)}


def test_a_singular_value_that_explodes() -> None:
    sigma = np.where(AT_PROBE > 500, 12.0, 2.0)
    explosion = only("spectral-explosion", spectral=rows("spectral_g/norms.0", AT_PROBE, sigma))
    assert explosion.step == 520
    assert explosion.numbers["layer"] == "g/norms.0"
    assert "generator's layer norms.0" in explosion.sentence


def test_a_discriminator_that_overfits() -> None:
    gap = np.where(AT_PROBE > 500, 0.9, 0.1)
    by_heart = only(
        "d-overfitting", r_v=rows("r_v", AT_PROBE, gap), r_t=rows("r_t", AT_PROBE, np.where(AT_PROBE > 500, 0.95, 0.6))
    )
    assert 520 <= by_heart.step <= 680


def score(metric: str, epoch: int, value: float, high: float | None = None, real: float = 0.0) -> dict[str, object]:
    step = epoch * PER_EPOCH
    return {"metric": metric, "emotion": None, "step": step, "epoch": epoch, "value": value, "high": high, "real": real}


def test_copies_are_reported_from_the_scores() -> None:
    scores = pd.DataFrame([score("ct", 1, -1.0, 0.5), score("ct", 2, -9.0, -7.0), score("ct", 3, -12.0, -10.0)])
    (copies,) = findings_of(scores.assign(low=np.nan))
    assert (copies.kind, copies.step, copies.severity) == ("memorising", 2 * PER_EPOCH, "alarm")


def test_a_plateau_is_reported_where_half_the_evaluations_bring_no_improvement() -> None:
    values = [9.0, 5.0, 3.0, 3.1, 2.99, 3.2]
    scores = pd.DataFrame([score("fid", epoch, value) for epoch, value in enumerate(values, 1)]).assign(low=np.nan)
    (plateau,) = findings_of(scores)
    assert (plateau.kind, plateau.step, plateau.severity) == ("plateau", 3 * PER_EPOCH, "info")
    better = pd.DataFrame([score("fid", epoch, 9.0 / epoch) for epoch in range(1, 7)]).assign(low=np.nan)
    assert findings_of(better) == []


@pytest.mark.slow
def test_findings_need_no_torch() -> None:
    script = "import sys, fergan_core.analysis.findings\nassert 'torch' not in sys.modules\n"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
