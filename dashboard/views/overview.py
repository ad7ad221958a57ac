"""The first page: what this is, the best that was reached, what goes on now, the story, and where to go."""

import streamlit as st

from dashboard import choose, data
from dashboard.sections import overview_best, overview_now, overview_story

# By the questions that a person comes with.
QUESTIONS = {
    "runs": "Which runs are there, and how good is each?",
    "run": "How did one training go?",
    "checkpoints": "How do the faces change while it trains?",
    "collapse": "Did an emotion collapse, and when?",
    "instability": "Where did a training become unstable, and why?",
    "inception_score": "How does the Inception Score develop?",
    "scores": "How good are the faces by every measure?",
    "judges": "Who measures, and can it be trusted?",
    "compare": "What differs between runs, and what did it change?",
    "methods": "Which method is best at the same cost?",
    "studies": "Which setting matters, over many runs?",
    "claims": "Do the course project's claims hold here?",
    "data": "What is in the data set?",
}


def show_where_to_go() -> None:
    """A link to each page, by the question that it answers."""
    st.header("Where to go", anchor=False)
    columns = st.columns(2, gap="medium")
    per_column = -(-len(QUESTIONS) // len(columns))
    for place, (page, question) in enumerate(QUESTIONS.items()):
        columns[place // per_column].page_link(f"views/{page}.py", label=question, icon=":material/arrow_forward:")


choose.heading("Overview", "What is this, what is the best that was reached, and what goes on now?")
st.markdown(
    "FerGAN trains generators of faces that show a requested emotion, records everything that their training did, and "
    "measures how good the faces are. These pages show it: which run is best and how sure that is, what went wrong in "
    "the others and why."
)
runs = data.runs()
if choose.any_trained(runs):
    bests = overview_best.best_of_each(runs, data.headlines(), data.contents().sheets)
    training = list(runs.status[~runs.literature])
    if "running" not in training:
        overview_best.show(bests, runs)
    st.header("What goes on now", anchor=False)
    choose.fragment(overview_now.show, run_every=choose.live_every(*training))()
    if "running" in training:
        overview_best.show(bests, runs)
    overview_story.show(bests, runs)
show_where_to_go()
