"""An emotion's collapses and recoveries are one statement, which does not contradict itself nor the readings."""

import pandas as pd

from fergan_core.analysis.findings.timeline import Statement, moments, statements

PER_EPOCH = 10


def epoch_of(step: int) -> int:
    return (step - 1) // PER_EPOCH + 1


def finding(kind: str, step: int, severity: str = "warning", **numbers: object) -> dict[str, object]:
    row = {"kind": kind, "step": step, "epoch": epoch_of(step), "severity": severity, "numbers": numbers}
    return row | {"sentence": f"{kind} at {step}."}


def told(findings: list[dict[str, object]], **diversity: list[float]) -> list[Statement]:
    """The statements on a run whose emotions were read every ten steps."""
    columns = ["kind", "step", "epoch", "severity", "sentence", "numbers"]
    readings = {
        name: pd.Series(values, index=[PER_EPOCH * (place + 1) for place in range(len(values))])
        for name, values in diversity.items()
    }
    return statements(pd.DataFrame(findings, columns=columns), readings, epoch_of)


COLLAPSE = finding("collapse", 20, emotion="happy", diversity=0.1, before=0.9, into="sad", until=30)
RECOVERY = finding("recovery", 40, "info", emotion="happy", diversity=0.7)


def test_collapse_recovery_and_a_later_collapse_are_one_line_of_time() -> None:
    (only,) = told([COLLAPSE, RECOVERY], happy=[0.9, 0.1, 0.1, 0.7, 0.8, 0.2, 0.3, 0.3])
    assert only.sentence == (
        '"happy" collapsed at epoch 2 (diversity down to 0.10 of real faces\', up to 0.90 before, recognised '
        "mostly as sad), recovered at epoch 4, collapsed again at epoch 6 (diversity down to 0.20 of real faces') and "
        "stays so to the last reading, epoch 8."
    )
    assert (only.title, only.severity, only.step, only.places) == ("collapsed to the end", "alarm", 20, (0, 1))
    assert [(phase.start, phase.end, phase.recovered) for phase in only.phases] == [(20, 30, 40), (60, 80, None)]


def test_a_rise_below_recovery_does_not_end_a_collapse() -> None:
    (only,) = told([COLLAPSE], happy=[0.9, 0.1, 0.1, 0.5, 0.2, 0.05])
    assert [(phase.start, phase.end, phase.broken, phase.lowest) for phase in only.phases] == [(20, 60, True, 0.05)]
    assert "stays so, but for short rises, to the last reading, epoch 6" in only.sentence


def test_what_is_neither_collapsed_nor_recovered_at_the_end_is_said_with_its_number() -> None:
    (only,) = told([COLLAPSE], happy=[0.9, 0.1, 0.1, 0.5, 0.55])
    assert (only.title, only.severity) == ("collapsed, did not recover", "warning")
    assert "stays so until epoch 3; its faces differ more" in only.sentence
    assert "(0.55 at the last reading, 0.60 needed)" in only.sentence


def test_a_recovery_that_came_after_a_second_collapse_is_of_that_one() -> None:
    late = finding("recovery", 70, "info", emotion="happy", diversity=0.7)
    (only,) = told([COLLAPSE, late], happy=[0.9, 0.1, 0.1, 0.5, 0.1, 0.1, 0.7, 0.7])
    assert [(phase.start, phase.end, phase.recovered) for phase in only.phases] == [(20, 60, 70)]
    assert only.title == "collapsed and recovered"


def test_without_readings_the_findings_alone_are_told() -> None:
    for_good = finding("collapse", 20, "alarm", emotion="sad", diversity=0.1, before=None, into=None, until=90)
    happy, sad = told([COLLAPSE, RECOVERY, for_good])
    assert happy.title == "collapsed and recovered"
    assert sad.sentence == (
        '"sad" collapsed at epoch 2, at the first reading after the start (diversity down to 0.10 of real faces\') and '
        "stays so to the last reading, epoch 9."
    )


def test_later_collapses_that_are_findings_of_their_own_are_in_the_same_statement() -> None:
    again = finding("collapse", 60, "alarm", emotion="happy", diversity=0.2, before=0.8, into="sad", until=80)
    with_readings = told([COLLAPSE, RECOVERY, again], happy=[0.9, 0.1, 0.1, 0.7, 0.8, 0.2, 0.3, 0.3])
    for (only,) in (told([COLLAPSE, RECOVERY, again]), with_readings):
        assert [(phase.start, phase.end, phase.recovered) for phase in only.phases] == [(20, 30, 40), (60, 80, None)]
        assert (only.title, only.places) == ("collapsed to the end", (0, 1, 2))
        assert "collapsed again at epoch 6" in only.sentence


def test_a_collapse_of_the_whole_generator_counts_what_is_collapsed_at_once_and_at_the_end() -> None:
    def collapse(name: str, step: int, until: int) -> dict[str, object]:
        return finding("collapse", step, emotion=name, diversity=0.1, before=0.9, into=None, until=until)

    whole = finding("global-collapse", 30, "alarm", emotions=["fear", "happy", "sad"])
    rows = [collapse("happy", 20, 40), collapse("fear", 20, 40), collapse("sad", 30, 60), whole]
    high, low = [0.9, 0.1, 0.1, 0.1, 0.9, 0.9], [0.9, 0.9, 0.1, 0.1, 0.1, 0.1]
    first = next(one for one in told(rows, happy=high, fear=high, sad=low, angry=[0.9] * 6) if one.emotion is None)
    assert first.title == "the whole generator collapses"
    assert first.sentence == (
        "The generator collapsed as a whole: 3 of 4 at once in epoch 3; at the last reading 1 of 4 is collapsed."
    )
    # The same finding where the first two had recovered before the third collapsed.
    rows = [collapse("happy", 20, 30), collapse("fear", 20, 30), collapse("sad", 50, 60), whole]
    early, late = [0.9, 0.1, 0.1, 0.9, 0.9, 0.9], [0.9, 0.9, 0.9, 0.9, 0.1, 0.1]
    first = next(one for one in told(rows, happy=early, fear=early, sad=late, angry=[0.9] * 6) if one.emotion is None)
    assert first.title == "most emotions collapse, not all at once"
    assert "3 of 4 emotions collapsed at one time or another, at most 2 of 4 at once in epoch 2" in first.sentence


def test_other_findings_stay_as_they_are_and_all_are_in_order() -> None:
    saturation = finding("saturation", 5)
    statements_ = told([COLLAPSE, RECOVERY, saturation], happy=[0.9, 0.1, 0.1, 0.7, 0.7])
    assert [(one.kind, one.step, one.places) for one in statements_] == [
        ("saturation", 5, (2,)), ("collapse", 20, (0, 1)),
    ]  # fmt: skip
    assert statements_[0].sentence == "saturation at 5."
    assert told([]) == []
    # A recovery whose collapse is not in the table is told by itself.
    assert [one.kind for one in told([RECOVERY])] == ["recovery"]


def test_a_statement_is_shown_by_the_sheets_before_and_after_each_of_its_turns() -> None:
    (only,) = told([COLLAPSE, RECOVERY], happy=[0.9, 0.1, 0.1, 0.7, 0.8, 0.2, 0.3, 0.3])
    every_epoch = [10, 20, 30, 40, 50, 60, 70, 80]
    assert moments(only, every_epoch) == [("before", 10), ("after", 20), ("recovered", 40), ("collapsed again", 60)]
    # No sheet of the recovery stands for it, when the next one is of another time.
    assert moments(only, [35, 65]) == [("after", 35), ("collapsed again", 65)]
    assert moments(only, [80]) == [("collapsed again", 80)]
    assert moments(only, []) == []
