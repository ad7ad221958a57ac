"""The table of scalars: it has what is recorded, and what it lacks is drawn all the same."""

import sqlite3
from pathlib import Path

from fergan_core.scalars import LOSSES, MAIN_PANELS, SCALARS, label_of, panels_of, scalar

SHOWCASE = Path(__file__).parents[1] / "runs.db"


def test_every_scalar_that_the_committed_runs_recorded_is_known() -> None:
    with sqlite3.connect(f"file:{SHOWCASE}?mode=ro", uri=True) as connection:
        recorded = [name for (name,) in connection.execute("SELECT name FROM metrics")]
    assert len(recorded) > 80
    assert [name for name in recorded if scalar(name) is None] == []


def test_panels_are_in_the_tables_order_and_unlisted_scalars_follow() -> None:
    names = ["zeta/b", "grad_norm", "loss_g", "pulse_diversity/happy", "zeta/a", "loss_d", "accuracy"]
    panels = panels_of(names)
    assert [panel.title for panel in panels] == [LOSSES, "Gradient norms", "accuracy", "zeta"]
    assert panels[0].labels == {"loss_d": "loss of D", "loss_g": "loss of G"}
    assert (panels[0].scale, panels[1].scale) == ("linear", "log")
    assert panels[3].labels == {"zeta/a": "zeta/a", "zeta/b": "zeta/b"}


def test_a_choice_of_panels_keeps_the_unlisted_scalars() -> None:
    panels = panels_of(["memory_mib", "loss", "mine"], MAIN_PANELS)
    assert [panel.title for panel in panels] == [LOSSES, "mine"]


def test_a_unit_is_given_where_all_of_a_panel_share_it() -> None:
    units = {panel.title: panel.unit for panel in panels_of(SCALARS)}
    assert units["Memory"] == "MiB"
    assert units["Discriminator output"] == ""  # probabilities and a share


def test_a_label_alone_says_what_it_belongs_to() -> None:
    assert label_of("loss_g") == "loss of G"
    assert label_of("d_accuracy_fake") == "Discriminator accuracy: generated faces"
    assert label_of("pulse_repeats/happy") == "near-duplicates, happy"
    assert label_of("images_per_second") == "images per second"
    assert label_of("my_scalar") == "my_scalar"
