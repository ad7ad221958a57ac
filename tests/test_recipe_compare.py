"""Comparing recipes, also those of older versions, which lack later fields."""

from typing import Any

from fergan_core import recipe as recipes
from fergan_core.recipe import changes, differences, flat, key_of, training_fields

# A GAN's recipe in a registry of an older version, without augmentation or R1.
OLD = {"preset": "dcgan", "epochs": 10, "batch_size": 64, "method": {"kind": "gan", "d_lr": 2e-4}}


def recipe(**method: Any) -> dict[str, Any]:
    return OLD | {"method": {"kind": "gan", "d_lr": 2e-4, **method}}


def test_an_older_recipe_has_the_defaults_of_later_fields() -> None:
    full = recipes.to_dict(recipes.from_dict(OLD))
    assert flat(OLD) == flat(full)
    assert flat(OLD)["r1"] == 0.0
    assert changes(OLD, full) == {}
    assert key_of(training_fields(OLD)) == key_of(training_fields(full))


def test_what_is_not_a_recipe_of_ours_is_left_as_it_is() -> None:
    for method in ({}, {"kind": "from the literature", "width": 1}, {"kind": ["gan"]}, "gan", None):
        foreign = {"epochs": 3, "method": method}
        assert flat(foreign).get("r1") is None
        assert flat(foreign)["epochs"] == 3


def test_changes_name_the_fields_of_recipe_and_method() -> None:
    after = recipe(d_lr=1e-3, r1=1.0) | {"epochs": 20}
    assert changes(recipe(), after) == {"epochs": (10, 20), "d_lr": (2e-4, 1e-3), "r1": (0.0, 1.0)}


def test_evaluation_intervals_are_not_a_change_and_a_seed_is_one() -> None:
    assert changes(recipe() | {"eval_every": 2, "seed": 0}, recipe() | {"eval_every": 5, "seed": 1}) == {"seed": (0, 1)}


def test_differences_of_several_recipes_say_which_has_which_value() -> None:
    other_recipes = {"b": recipe() | {"data": "y"}, "c": recipe() | {"data": "x"}}
    differing = differences({"a": recipe(r1=1.0) | {"data": "x"}, **other_recipes})
    assert differing == {"data": {"a": "x", "b": "y", "c": "x"}, "r1": {"a": 1.0, "b": 0.0, "c": 0.0}}
    vae = recipes.to_dict(recipes.preset("vae-quick"))
    assert differences({"gan": OLD, "vae": vae})["beta"] == {"vae": 1.0}


def test_the_training_is_the_same_whatever_the_seed_and_not_on_other_data() -> None:
    fields, reseeded = (
        training_fields(recipe() | {"seed": 0}),
        training_fields(recipe() | {"seed": 7, "preset": "quick"}),
    )
    assert key_of(fields, "hash") == key_of(reseeded, "hash") != key_of(fields, "other")
    assert "d_lr" not in training_fields(recipe(), without={"d_lr"})
