"""Rate: people judge faces, and what their answers say."""

import streamlit as st

from dashboard import access, choose, data
from dashboard.sections import rate_choice, rate_new, rate_results, rate_session

PARTS = {"Judge faces": rate_session.show, "Results": rate_results.show}

choose.heading(
    "Rate",
    "How real do generated faces look to people, which emotions do people see in them, and do the scores agree?",
)
part = "Judge faces" if access.for_raters() else choose.part(*PARTS, "New study")
studies = data.rating_studies()
rate_session.show_withdrawn()
if access.for_raters():
    study = rate_choice.of_address(studies)
    if study is not None:
        rate_session.show(study)
elif part == "New study":
    runs = data.runs()
    if choose.any_trained(runs):
        rate_new.show(runs)
elif not studies.empty:
    PARTS[part](rate_choice.one_study(studies))
elif choose.any_trained(data.runs()):
    st.info("No study yet. Make one in the part New study, or by a command, from checkpoints of your choice:")
    st.code("fergan rate new RUN RUN --name first", language=None)
