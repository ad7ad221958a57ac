"""The page Judges: how good the classifiers are on which all other scores rest."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts.confusion import confusion_figure, shares_of_counts
from dashboard.charts.reliability import reliability_figure
from dashboard.components.plotly_chart import plotly_chart
from dashboard.sections import fields

PARTS = {"report part": "report", "held-out part": "held_out"}
# Fields of the card that the page shows above its table.
SHOWN = ("held_out", "report", "command", "split_rule")
CONFUSION_ALT = "Which emotion the judge recognises in real faces of each label, in shares"
CALIBRATION_ALT = "How often the judge is right, over how sure it says it is"
HELP = {
    "Accuracy": "Share of real faces that the judge reads as they are labelled. Higher is better; people disagree on "
    "some photographs' labels, so that 100 % cannot be reached.",
    "NLL, nats": "Negative log-likelihood: how little probability the judge gave to the true labels. Lower is better; "
    "guessing among seven emotions costs 1.95.",
    "ECE": "Expected calibration error: by how much the judge's confidence misses its accuracy, on average. Lower is "
    "better.",
    "Parameters": "Numbers that were learnt: the size of the network.",
    "Multiply-adds": "What it costs to judge one face. Lower is faster.",
    "Faces": "Real faces on which these numbers were measured.",
    "People identified": "Share of faces whose person the judge can tell: it knows more than the emotion.",
}


def show() -> None:
    """Choose a judge and the part of the data it was measured on; its card."""
    cards = data.judge_cards()
    if not cards:
        st.info("This package has no judges: `python -m trainers.judge` trains one.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Judge", list(cards), key="judge_card", bind="query-params", width=260)
        part = st.segmented_control(
            "Measured on", list(PARTS), default="report part", required=True, key="measured_on", bind="query-params",
            help="Faces that the judge was not trained on. By the held-out part its epoch and temperature were chosen; "
            "the report part was used for nothing but these numbers.",
        )  # fmt: skip
    card = cards[name]
    measured = card[PARTS[part]]
    show_numbers(card, measured)
    left, right = st.columns(2, gap="medium")
    with left:
        show_confusion(measured)
    with right:
        show_reliability(measured, float(card["temperature"]))
    show_emotions(measured)
    st.header("How it was trained", anchor=False)
    st.code(card["command"], language=None, wrap_lines=True)
    st.caption(choose.plain(f"{card['split_rule'][0].upper()}{card['split_rule'][1:]}."))
    with st.expander("Its data, its recipe and its weights"):
        fields.show(st, {field: value for field, value in card.items() if field not in SHOWN})


def show_numbers(card: Mapping[str, Any], measured: Mapping[str, Any]) -> None:
    """Accuracy, likelihood, calibration and size."""
    low, high = measured["accuracy_interval"]
    numbers = {
        "Accuracy": (f"{measured['accuracy']:.1%}", f"{100 * low:.1f} to {100 * high:.1f} % (95 %)"),
        "NLL, nats": (f"{measured['nll']['after']:.3f}", f"{measured['nll']['before']:.3f} before scaling"),
        "ECE": (f"{measured['ece']['after']:.1%}", f"{measured['ece']['before']:.1%} before scaling"),
        "Parameters": (f"{card['parameters'] / 1e6:.2f} M", f"{card['bytes'] / 1e6:.2f} MB in half precision"),
        "Multiply-adds": (f"{card['multiply_adds'] / 1e6:.1f} M", "per face"),
        "Faces": (f"{measured['images']:,}", "never trained on"),
    }
    if "identity_accuracy" in measured:
        numbers["People identified"] = (f"{measured['identity_accuracy']:.1%}", f"of {card['identities']} people")
    with st.container(horizontal=True):
        for label, (value, remark) in numbers.items():
            st.metric(label, value, remark, delta_color="off", delta_arrow="off", width=170, help=HELP.get(label))


def show_confusion(measured: Mapping[str, Any]) -> None:
    """The judge's confusion matrix."""
    st.header("Labelled, and recognised as", anchor=False)
    figure = confusion_figure(shares_of_counts(measured["confusion"]), rows="labelled", dark=choose.dark())
    plotly_chart(figure, "judge confusion", CONFUSION_ALT, toolbar=False)


def show_reliability(measured: Mapping[str, Any], temperature: float) -> None:
    """Confidence against accuracy."""
    st.header("Calibration", anchor=False)
    if "reliability" not in measured:
        st.info("This card has no reliability diagram: `python -m trainers.judge` retrains the judge with one.")
        return
    figure = reliability_figure(measured["reliability"], dark=choose.dark())
    plotly_chart(figure, "reliability", CALIBRATION_ALT)
    st.caption(
        "Each point is one of fifteen bins of confidence, the larger the more faces it has. Above the dashed line the "
        f"judge is underconfident, below it overconfident. All logits are divided by {temperature:.2f}, a temperature "
        "chosen on the held-out part."
    )


def show_emotions(measured: Mapping[str, Any]) -> None:
    """Accuracy emotion by emotion."""
    table = pd.DataFrame(
        {
            "Emotion": list(measured["accuracy_per_emotion"]),
            "Faces": [sum(row) for row in measured["confusion"]],
            "accuracy": measured["accuracy_per_emotion"].values(),
        }
    )
    table["accuracy"] = table["accuracy"].astype(float) * 100
    percent = st.column_config.ProgressColumn("Recognised as labelled", format="%.1f %%", min_value=0, max_value=100)
    st.dataframe(table, hide_index=True, width="stretch", column_config={"accuracy": percent})
