"""Recipes: the whole configuration of a run, its validation, its JSON, and the presets, which are named recipes."""

from fergan_core.recipe.compare import NON_TRAINING_FIELDS, changes, differences, flat, key_of, training_fields
from fergan_core.recipe.denoisers import Denoiser, Diffusion, Flow, MeanFlow, Sampling
from fergan_core.recipe.fields import UNITS, explain
from fergan_core.recipe.form import KEPT_BY_FORKS, FormField, flags, form_fields, preset_changes
from fergan_core.recipe.gan import Gan
from fergan_core.recipe.method import MethodRecipe, in_one_pass, in_steps, kinds, method_recipe
from fergan_core.recipe.own import IMPORTED, OWN_SCRIPT, own_recipe
from fergan_core.recipe.presets import PRESETS, REPORT_EMOTIONS, preset, preset_of, presets_of
from fergan_core.recipe.recipe import Recipe, changed, from_dict, to_dict
from fergan_core.recipe.vae import Vae

__all__ = [
    "IMPORTED",
    "KEPT_BY_FORKS",
    "NON_TRAINING_FIELDS",
    "OWN_SCRIPT",
    "PRESETS",
    "REPORT_EMOTIONS",
    "UNITS",
    "Denoiser",
    "Diffusion",
    "Flow",
    "FormField",
    "Gan",
    "MeanFlow",
    "MethodRecipe",
    "Recipe",
    "Sampling",
    "Vae",
    "changed",
    "changes",
    "differences",
    "explain",
    "flags",
    "flat",
    "form_fields",
    "from_dict",
    "in_one_pass",
    "in_steps",
    "key_of",
    "kinds",
    "method_recipe",
    "own_recipe",
    "preset",
    "preset_changes",
    "preset_of",
    "presets_of",
    "to_dict",
    "training_fields",
]
