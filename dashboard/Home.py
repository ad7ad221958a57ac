"""The dashboard's entry: `streamlit run dashboard/Home.py`. It names the pages and runs the requested one."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import streamlit as st

from dashboard import access, choose, data, face_data, launches, memory
from dashboard.components import window_follower
from fergan_core.errors import FerganError

st.set_page_config(
    page_title="FerGAN", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide", initial_sidebar_state=220
)

st.html(Path(__file__).with_name("style.css"))
refusal = access.refusal()
if refusal is not None:
    st.error(choose.sentence(refusal))
    st.stop()

TRAIN: Literal["visible", "hidden"] = "visible" if launches.are_allowed() else "hidden"
# By group, in the order in which a person works: what is there, look at it, measure it, compare, draw conclusions.
PAGES = {
    # Streamlit serves the first page at / and at no other address; its name is free for one that leads on to it.
    "": [st.Page("views/overview.py", title="Overview", icon=":material/home:", url_path="first", default=True)],
    "Runs": [
        st.Page("views/runs.py", title="Runs", icon=":material/list:"),
        st.Page("views/run.py", title="Run", icon=":material/monitoring:"),
        st.Page("views/train.py", title="Train", icon=":material/model_training:", visibility=TRAIN),
    ],
    "Look": [
        st.Page("views/checkpoints.py", title="Checkpoints", icon=":material/face:"),
        st.Page("views/explore.py", title="Explore", icon=":material/explore:"),
        st.Page("views/collapse.py", title="Mode collapse", icon=":material/heart_broken:"),
        st.Page("views/instability.py", title="Instability", icon=":material/vital_signs:"),
    ],
    "Measure": [
        st.Page("views/inception_score.py", title="Inception Score", icon=":material/show_chart:"),
        st.Page("views/scores.py", title="Scores", icon=":material/scoreboard:"),
        st.Page("views/judges.py", title="Judges", icon=":material/gavel:"),
    ],
    "Compare": [
        st.Page("views/compare.py", title="Compare", icon=":material/compare:"),
        st.Page("views/methods.py", title="Methods", icon=":material/swords:"),
    ],
    "Science": [
        st.Page("views/studies.py", title="Studies", icon=":material/science:"),
        st.Page("views/claims.py", title="Claims", icon=":material/balance:"),
    ],
    "People": [
        st.Page("views/rate.py", title="Rate", icon=":material/how_to_reg:"),
    ],
    "Data": [
        st.Page("views/data.py", title="Data", icon=":material/database:"),
    ],
}


def redirect_to(view: str) -> Callable[[], None]:
    """Return a page that leads on to another one, which keeps the address's parameters."""

    def redirect() -> None:
        st.switch_page(f"views/{view}.py", query_params=st.query_params.to_dict())

    return redirect


# The first page's name, and the one that Methods had once.
OTHER_ADDRESSES = {"overview": "overview", "rivals": "methods"}
if access.for_raters():
    page = st.navigation([st.Page("views/rate.py", title="Rate", default=True)], position="hidden")
else:
    hidden = [st.Page(redirect_to(view), url_path=path, visibility="hidden") for path, view in OTHER_ADDRESSES.items()]
    page = st.navigation({**PAGES, "": [*PAGES[""], *hidden]}, expanded=True)
data.left_out().clear()
notice = st.container()
try:
    page.run()
except FerganError as error:
    # A registry of a newer schema, a missing file: the sentence says what to do, a traceback would not.
    st.error(choose.sentence(str(error)))
if not access.for_raters():
    face_data.start_soon()
window_follower.follow(choose.dark())
if sentences := list(data.left_out()):
    more = f" And {len(sentences) - 5} more." if len(sentences) > 5 else ""
    notice.warning(choose.sentence(" ".join(f"{sentence}." for sentence in sentences[:5]) + more))
memory.return_what_is_free()
