"""The page Rate by AppTest: consent, blindness, results of people alone, withdrawal."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fergan_core.registry import Reader, Registry, ratings
from tests.support.pages import given_to_components, open_page
from tests.support.rating_study import add_study, rate

ADA = "<b>Ada</b> *x*"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "runs.db")


@pytest.fixture
def study(url: str) -> str:
    return add_study(url)


def page(url: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    return open_page("rate", url, monkeypatch, query)


def test_without_a_registry_the_page_says_how_to_train(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("Judge faces", "Results", "New study"):
        app = page(url, monkeypatch, part=part)
        assert any("trainers.dcgan" in code.value for code in app.code)


def test_nobody_judges_without_a_pseudonym_and_consent(url: str, study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(url, monkeypatch)
    assert any("fergan rate forget" in text.value for text in app.markdown)
    app.text_input(key="pseudonym").set_value(ADA)
    app.button[0].click().run()
    assert "tick the box" in app.error[0].value
    app.checkbox(key="agreed").check()
    app.button[0].click().run()
    assert not app.error
    (row,) = ratings.raters(Reader(url), study).to_dict("records")
    assert row["pseudonym"] == ADA
    assert app.query_params["rater"] == row["id"]
    assert any("\\<b\\>Ada" in text.value for text in app.caption)


def test_the_browser_is_not_told_where_a_face_comes_from(url: str, study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rater = ratings.add_rater(Registry(url), study, ADA)
    (shown,) = (one for one in given_to_components(page(url, monkeypatch, rater=rater)) if "pictures" in one)
    assert len(shown.pop("pictures")) == 1
    assert shown["practice"]
    assert shown["exposure_ms"] == 100
    text = json.dumps(shown)
    assert not any(word in text for word in ("mine", "aaaaaaaa", "epoch", "seed", "source"))


def test_who_comes_back_by_pseudonym_goes_on_after_a_word(
    url: str, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rater = ratings.add_rater(Registry(url), study, ADA)
    app = page(url, monkeypatch)
    app.text_input(key="pseudonym").set_value(ADA)
    app.checkbox(key="agreed").check()
    app.button[0].click().run()
    assert "begun this study already" in app.info[0].value
    app.button(key="go on").click().run()
    assert app.query_params["rater"] == rater
    assert len(ratings.raters(Reader(url), study)) == 1


def test_results_are_of_people_alone_and_name_who_fails_checks(
    url: str, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate(url, study, "program", simulated=True)
    app = page(url, monkeypatch, part="Results", study=study)
    assert "Nobody has answered yet" in app.info[0].value
    rate(url, study, ADA)
    rate(url, study, "Bob", right=False)
    app = page(url, monkeypatch, part="Results", study=study)
    texts = [text.value.replace("\\", "") for text in app.markdown]
    assert texts[0].startswith("2 people gave 16 answers;")
    assert any("people take 50% of the faces of <b>mine</b>, epoch 1 for real" in text for text in texts)
    assert "failed 4 of 4 attention checks" in app.warning[0].value
    assert len(app.warning) == 1
    assert "program" not in str([table.value.to_csv() for table in app.dataframe])


def test_withdrawal_deletes_all_answers_of_one_person(url: str, study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rater = rate(url, study, ADA)
    rate(url, study, "Bob")
    app = page(url, monkeypatch, rater=rater)
    assert "That was all" in app.success[0].value
    (button,) = (one for one in app.button if one.label == "Delete my answers")
    button.click().run()
    assert "deleted" in app.success[0].value
    assert "rater" not in app.query_params
    assert set(ratings.ratings(Reader(url), study).rater) == {"Bob"}
