"""The Data page's factors: what is known of synthfer's faces beyond their emotion, and faces along one factor."""

import numpy as np
import streamlit as st

from dashboard import choose
from dashboard.charts import dataset as charts
from dashboard.components.plotly_chart import plotly_chart
from dashboard.open_datasets import OpenDataset
from dashboard.sections import dataset_faces
from dashboard.sections.dataset_faces import EVERY
from fergan_core.emotions import EMOTIONS

SHOWN = 14
# As fergan_core.data.synthfer documents them.
MEANINGS = {
    "identity": "which of the 64 people it is",
    "intensity": "how strong the expression is, 0 to 1",
    "noise": "the camera's noise, as a share of white",
    "yaw": "turned to the side, radians; above 0 the nose points to the right",
    "roll": "tilted, radians; above 0 clockwise",
    "pitch": "nodded: px by which the features are moved down",
    "shift_x": "px to the right",
    "shift_y": "px down",
    "scale": "size of the head",
    "light_angle": "where the light comes from, radians: 0 from the right, minus half pi from above",
    "light_strength": "0 flat light, 1 all from one side",
    "exposure": "the picture's gain",
    "contrast": "the picture's contrast",
    "background": "tone of the background, 0 black to 1 white",
    "background_slope": "how much the background's tone changes over the picture",
    "background_angle": "in which direction it changes, radians",
    "blob_x": "where something out of focus is behind the person, px to the right",
    "blob_y": "where something out of focus is behind the person, px down",
    "blob_tone": "its tone",
    "clothes": "tone of the clothes",
    "au1": "inner brow raiser",
    "au2": "outer brow raiser",
    "au4": "brow lowerer",
    "au5": "upper lid raiser",
    "au6": "cheek raiser",
    "au7": "lid tightener",
    "au9": "nose wrinkler",
    "au12": "lip corner puller",
    "au15": "lip corner depressor",
    "au16": "lower lip depressor",
    "au20": "lip stretcher",
    "au23": "lip tightener",
    "au26": "jaw drop",
    "gaze": "px by which the irises look to the right",
}


def titled(name: str) -> str:
    """Name a factor with its meaning: action units (au) are those of the Facial Action Coding System."""
    return f"{name}: {MEANINGS[name]}" if name in MEANINGS else name


def show(opened: OpenDataset) -> None:
    """Choose a factor: its distribution by emotion, faces along it; below all factors."""
    known = opened.dataset.factors
    # A cache gives them by the alphabet.
    factors = {
        name: known[name] for name in [*MEANINGS, *(name for name in known if name not in MEANINGS)] if name in known
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = list(factors)
        factor = st.selectbox(
            "Factor", names, names.index("yaw") if "yaw" in names else 0, format_func=titled, key="factor",
            bind="query-params", width=420,
        )  # fmt: skip
        emotion = st.selectbox("Emotion", [EVERY, *EMOTIONS], key="emotion", bind="query-params", width=150)
    index = dataset_faces.chosen(opened, emotion, EVERY)
    if len(index):
        show_along(opened, factor, index)
    of_emotion = {
        name: np.asarray(factors[factor][dataset_faces.chosen(opened, name, EVERY)], np.float64)
        for name in EMOTIONS
        if (opened.dataset.labels == EMOTIONS.index(name)).any()
    }
    figure = charts.histogram_figure(of_emotion, titled(factor), dark=choose.dark())
    plotly_chart(figure, "factor bars", f"How often each value of {titled(factor)} occurs, by emotion")
    st.header("All factors", anchor=False)
    figure = charts.factors_figure(factors, dark=choose.dark())
    plotly_chart(figure, "all factors", "How often each value of each factor occurs")
    dataset_faces.show_enlarged(opened)


def show_along(opened: OpenDataset, factor: str, index: dataset_faces.Index) -> None:
    """Faces at even steps through a factor's distribution, from its least value to its largest."""
    values = opened.dataset.factors[factor][index]
    order = index[np.argsort(values, kind="stable")]
    shown = order[np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int)]
    st.markdown(f"**Faces along {choose.plain(factor)}**")
    captions = [f"{float(value):.2f}" for value in opened.dataset.factors[factor][shown]]
    dataset_faces.grid(opened, shown, key="along", captions=captions)
    st.caption(
        "From the least value to the largest, at even steps through the faces sorted by it; all other factors vary too."
    )
