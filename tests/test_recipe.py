"""Recipes: JSON round trip, validation, presets."""

import json

import pytest

from fergan_core import recipe as recipes
from fergan_core.errors import UsageError


@pytest.mark.parametrize("name", list(recipes.PRESETS))
def test_a_preset_survives_json_and_knows_its_name(name: str) -> None:
    preset = recipes.preset(name)
    assert preset.preset == name
    assert recipes.from_dict(json.loads(json.dumps(recipes.to_dict(preset)))) == preset


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"epochs": 0}, "--epochs: 0 cannot be used: .*greater than or equal to 1"),
        ({"batch_size": 1}, "--batch-size"),
        ({"method": {"kind": "gan", "g_lr": 0}}, "--g-lr"),
        ({"method": {"kind": "gan", "network": "vgg"}}, "--network"),
        ({"momentum": 1}, "--momentum: 1 cannot be used: unexpected"),
        ({"emotions": ["happy", "happiness"]}, "each only once"),
        ({"emotions": []}, "at least one"),
        ({"emotions": ["joy"]}, "--emotions: 'joy' is not an emotion"),
        (
            {"emotions": ["happy"], "method": {"kind": "gan", "matching_aware": True}},
            "--matching-aware: .*two emotions",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(plain: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        recipes.from_dict(plain)


def test_emotions_take_any_spelling_and_the_order_of_fer2013() -> None:
    assert recipes.from_dict({"emotions": ["Neutral", "anger"]}).emotions == ("angry", "neutral")


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'dcgan'"):
        recipes.preset("dcgam")


def test_the_reports_presets_are_the_reports_experiment() -> None:
    for name in ("report", "report-small"):
        preset = recipes.preset(name)
        assert set(preset.emotions) == {"neutral", "fear", "angry", "surprise", "disgust"}
        assert (preset.epochs, preset.eval_every) == (100, 25)
    assert recipes.preset("report").method == recipes.preset("pytorch-gan").method
    assert recipes.preset("report-small").method == recipes.preset("dcgan-concat").method


def test_the_unstable_presets_see_24000_images_and_are_looked_at_along_the_way() -> None:
    unstable = [preset for name, preset in recipes.PRESETS.items() if name.startswith("unstable-")]
    assert len(unstable) == 5
    for preset in unstable:
        assert preset.images * preset.epochs == 24_000
        assert preset.epochs // preset.eval_every >= 5
