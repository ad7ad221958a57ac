"""Train: start a training from the browser, made from a preset, and see it through."""

import streamlit as st

from dashboard import choose, launches
from dashboard.sections import train_form, train_started

choose.heading("Train", "Start a training from a preset, with any field changed, and follow it while it runs.")
refusal = launches.refusal()
if refusal is not None:
    st.info(choose.sentence(refusal))
else:
    train_started.show()
    st.header("New training", anchor=False)
    choose.fragment(train_form.show)()
