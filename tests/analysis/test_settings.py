"""What runs were trained with, as tables: only what differs, what a result depends on first, values as texts."""

from fergan_core.analysis.settings import beside_preset, fields, recipe_differences, settings_of, sorted_out
from fergan_core.recipe import PRESETS, UNITS, changed, to_dict


def test_recipe_differences_lists_only_what_differs() -> None:
    table = recipe_differences(
        {
            "one": {"seed": 0, "method": {"lr": 2e-4, "batch": 64}},
            "two": {"seed": 0, "method": {"lr": 1e-4, "ema": 0.9}},
        }
    )
    assert table.set_index("field").to_dict("index") == {
        "lr": {"one": "0.0002", "two": "0.0001"},
        "batch": {"one": "64", "two": "–"},
        "ema": {"one": "–", "two": "0.9"},
    }
    assert recipe_differences({"one": {"a": 1}, "two": {"a": 1}}).empty


def test_what_a_result_does_not_depend_on_is_sorted_out_and_what_all_runs_have_comes_first() -> None:
    run = {"recipe": {"method": {"kind": "gan", "width": 8}}, "seed": 0, "data": "synthfer", "device": "cpu"}
    run |= {"dataset": {"content_hash": "1" * 64}, "provenance": {"git_commit": "a" * 40, "versions": {"torch": "2"}}}
    other = run | {
        "seed": 1,
        "parent": "abc",
        "parent_step": 9,
        "device": "cuda",
        "dataset": {"content_hash": "2" * 64},
    }
    other |= {"provenance": {"git_commit": "b" * 40, "versions": {"torch": "2"}}}
    other |= {"recipe": {"eval_every": 3, "method": {"kind": "other", "depth": 2}}}
    settings = {"one": settings_of(run), "two": settings_of(other)}
    differing, beside = sorted_out(recipe_differences(settings))
    both = list(differing.field[~(differing == "–").any(axis=1)])
    assert list(differing.field)[: len(both)] == both
    assert {"seed", "data_hash", "kind"} <= set(both)
    assert {"width", "depth", "begun_from"} <= set(differing.field)
    assert {"commit", "device", "eval_every"} <= set(beside.field)
    assert not set(beside.field) & set(differing.field)


def test_fields_are_dotted_and_lists_have_no_brackets() -> None:
    recipe = {"preset": "quick", "emotions": ["happy", "sad"], "method": {"flip": False, "lr": 2e-4}}
    assert fields(recipe) == {
        "preset": "quick",
        "emotions": "happy, sad",
        "method.flip": "false",
        "method.lr": "0.0002",
    }


def test_fields_that_count_epochs_or_steps_say_so() -> None:
    recipe = {"eval_every": 3, "checkpoint_every": 1, "watch_every": 50, "method": {"r1_every": 16}}
    assert fields(recipe, units=UNITS) == {
        "eval_every": "3 epochs",
        "checkpoint_every": "1 epoch",
        "watch_every": "50 steps",
        "method.r1_every": "16 steps",
    }


def test_beside_its_preset_a_recipe_is_what_differs_from_it() -> None:
    preset = PRESETS["quick"]
    assert beside_preset(to_dict(preset), to_dict(preset)).empty
    recipe = to_dict(changed(preset, {"eval_every": "1", "d_lr": "5e-5", "seed": "3"}))
    table = beside_preset(recipe, to_dict(preset))
    assert table.to_numpy().tolist() == [["d_lr", "5e-05", "0.0002"], ["eval_every", "1", "3"]]
    del recipe["method"]["spectral_norm"]  # what an older recipe did not record is not a difference
    assert list(beside_preset(recipe, to_dict(preset)).field) == ["d_lr", "eval_every"]
