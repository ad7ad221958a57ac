"""What the pages write of sentences in which other people's names and FerGAN's own commands stand."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.choose import plain, sentence


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("sheets/a_b.webp is missing; `fergan runs verify` says more", r"sheets/a\_b\.webp is missing; {} says more"),
        ("run *best* has no checkpoint", r"run \*best\* has no checkpoint"),
        ("a name with one ` in it", r"a name with one \` in it"),
        ("two: `fergan runs verify` and `", r"two\: {} and \`"),
    ],
)
def test_commands_of_a_sentence_stay_code_and_all_else_reads_as_it_was_written(text: str, markdown: str) -> None:
    assert sentence(text) == markdown.format("`fergan runs verify`")


def test_other_peoples_text_has_no_code() -> None:
    assert plain("`rm`") == r"\`rm\`"


def pages() -> None:
    """Two pages, one of one run and one of several, that open by themselves at run cc."""
    import pandas as pd
    import streamlit as st

    from dashboard import choose

    runs = pd.DataFrame({"id": ["aa", "bb", "cc"], "name": ["robust, seed 0", "dcgan", "vae"]})
    if st.query_params.get("page") == "several":
        choose.heading("Scores", "How good?")
        st.text(",".join(choose.several_runs(runs, ["cc"])))
    else:
        choose.heading("Run", "How did it go?")
        st.text(choose.one_run(runs, ["cc"]))


def opened(app: AppTest, page: str) -> list[str]:
    """Go to a page as by the menu, which clears the address; return the runs that it opens at."""
    app.query_params.clear()
    app.query_params["page"] = page
    app.run()
    assert not app.exception
    return app.text[0].value.split(",")


def test_a_page_opens_at_its_best_run_until_somebody_chooses_and_then_all_pages_do() -> None:
    app = AppTest.from_function(pages)
    assert opened(app, "one") == ["cc"]
    app.selectbox[0].set_value("bb").run()
    assert app.query_params["run"] == "bb"
    assert opened(app, "several") == ["bb"]
    app.multiselect[0].set_value(["bb", "aa"]).run()
    assert app.query_params["runs"] == "bb,aa"
    assert opened(app, "one") == ["bb"]
    app.selectbox[0].set_value("aa").run()
    assert opened(app, "several") == ["bb", "aa"]
    assert opened(app, "one") == ["aa"]


def test_what_a_page_opened_by_itself_is_not_a_choice() -> None:
    app = AppTest.from_function(pages)
    assert opened(app, "several") == ["cc"]
    app.run()
    app.query_params.clear()
    app.query_params["run"] = "aa"
    app.run()
    assert app.text[0].value == "aa"
    assert opened(app, "several") == ["aa"]


def test_a_run_keeps_its_colour_and_no_two_of_eight_share_one() -> None:
    def script() -> None:
        import streamlit as st

        from dashboard import choose

        first = choose.colours(["a", "b", "c"])
        second = choose.colours(["x", "c", "a"])
        assert {run: second[run] for run in ("a", "c")} == {run: first[run] for run in ("a", "c")}
        assert second["x"] not in first.values()
        many = [f"run {number}" for number in range(8)]
        assert len(set(choose.colours(many).values())) == 8
        assert len(set(choose.colours(["a", *many[:7]]).values())) == 8
        st.text("done")

    app = AppTest.from_function(script).run()
    assert not app.exception
    assert app.text[0].value == "done"
