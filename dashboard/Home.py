"""The dashboard's entry: `streamlit run dashboard/Home.py`. It names the pages and runs the one that was asked for."""

import streamlit as st

st.set_page_config(page_title="FerGAN", page_icon=":material/face:", layout="wide")

PAGES = [
    st.Page("views/runs.py", title="Runs", icon=":material/list:", default=True),
    st.Page("views/run.py", title="Run", icon=":material/monitoring:"),
    st.Page("views/checkpoints.py", title="Checkpoints", icon=":material/face:"),
    st.Page("views/inception_score.py", title="Inception Score", icon=":material/show_chart:"),
    st.Page("views/compare.py", title="Compare", icon=":material/compare:"),
]

st.navigation(PAGES).run()
