"""The form of a new training: method and preset, data, what the run is called, and all fields of the recipe."""

from typing import Any

import streamlit as st

from dashboard import choose, data, dataset_places, launches
from dashboard.open_datasets import Place
from dashboard.sections import dataset_path, train_command, train_fields, train_started
from dashboard.sections.train_command import Session
from fergan_core.errors import UsageError
from fergan_core.recipe import (
    Recipe,
    changed,
    flat,
    form_fields,
    kinds,
    method_recipe,
    preset_changes,
    presets_of,
    to_dict,
)

BUILT_IN = "synthfer"
DEVICES = ("auto", "cpu", "cuda")
_DATA_HELP = (
    "synthfer, the built-in faces, or the path of FER2013 in any of its published layouts: fer2013.csv, its tar.gz or "
    "zip, a folder of pictures, parquet, npz. Choose one that runs were trained on, or type another one."
)
_NAME_HELP = "By default the preset's name and the beginning of the run's id."


def show() -> None:
    """Ask for a training, show the command that the answers stand for, and start it."""
    kind, preset, device = _method_preset_device()
    defaults = flat(to_dict(preset))
    fields = form_fields(kind)
    key = f"{kind} {preset.preset}"
    place = _ask_place()
    values = train_fields.ask([fields[name] for name in train_fields.FIRST], defaults, key)
    name, tags = _name_and_tags()
    for title, members in train_fields.groups(fields).items():
        with st.expander(title):
            values |= train_fields.ask(members, defaults, key)
    try:
        recipe = changed(preset, values)
        words = train_command.of_recipe(recipe, Session(place, device, name, tuple(tags)), data.url())
    except UsageError as error:
        st.error(choose.sentence(str(error)))
        return
    _show_command(recipe, words)
    train_started.warn_of_another()
    if st.button("Start the training", type="primary", icon=":material/play_arrow:", key="start"):
        _start(words, place)


def _method_preset_device() -> tuple[str, Recipe, str]:
    """Ask for the method, which the address keeps, for one of its presets, and for the device."""
    for_method, for_preset, for_device = st.columns(3, gap="medium")
    kind: str = for_method.selectbox(
        "Method", kinds(), key="method", bind="query-params",
        help="How a network learns to generate faces; the page Methods compares them.",
    )  # fmt: skip
    presets = presets_of(kind)
    # "quick", where a command begins too.
    first = list(presets).index("quick") if "quick" in presets else 0
    name: str = for_preset.selectbox(
        "Preset", list(presets), first, key=f"preset of {kind}",
        help="A recipe with a name; every field of it can be changed below. docs/training.md says what each is.",
    )  # fmt: skip
    device: str = for_device.selectbox(
        "Device", DEVICES, key="train device", help="Device to train on; auto is the GPU where there is one."
    )
    st.caption(choose.plain(f"This trains {method_recipe(kind).title}."))
    return kind, presets[name], device


def _name_and_tags() -> tuple[str, list[str]]:
    for_name, for_tags = _columns(1, 2)
    name = for_name.text_input("Name of the run", key="train name", help=_NAME_HELP, placeholder="made from the preset")
    tags: list[str] = for_tags.multiselect(
        "Tags", sorted(set(data.runs().tags.explode().dropna())), key="train tags", accept_new_options=True,
        placeholder="Choose tags, or type a new one",
    )  # fmt: skip
    return name, tags


def _columns(first: int, second: int) -> Any:
    """Return two columns that are as wide as this many columns of fields, and the space between them."""
    gap = 0.06
    return st.columns([first + gap * (first - 1), second + gap * (second - 1)], gap="medium")


def _ask_place() -> Place:
    """Ask for the dataset: the built-in faces, one that runs were trained on, or a path that is typed."""
    known = _known_places()
    left, right = _columns(2, 1)
    path: str = left.selectbox(
        "Data", [BUILT_IN, *known], key="train data", accept_new_options=True, help=_DATA_HELP,
        format_func=lambda path: f"{BUILT_IN}, the built-in faces" if path == BUILT_IN else path,
    )  # fmt: skip
    if path in (BUILT_IN, *known):
        return known.get(path, Place(BUILT_IN))
    with right:
        return Place(path.strip(), dataset_path.order_field("train order of labels"))


def _known_places() -> dict[str, Place]:
    """Return the places of datasets that runs were trained on and that are there now, by path."""
    places = (dataset_places.place_of(recorded) for recorded in data.recorded_datasets())
    return {place.path: place for place in places if place is not None and place.path != BUILT_IN}


def _show_command(recipe: Recipe, words: list[str]) -> None:
    different = preset_changes(recipe)
    count = "no field" if not different else "1 field" if len(different) == 1 else f"{len(different)} fields"
    st.markdown(f"The command that this stands for: `{recipe.preset}` with {count} changed.")
    st.code(train_command.as_typed(words), language=None, wrap_lines=True)


def _start(words: list[str], place: Place) -> None:
    """Start a training whose data can be read; otherwise say why not."""
    if place.path != BUILT_IN and dataset_path.read(place) is None:
        return
    launches.start(words, data.url())
    st.rerun()
