"""Where a dataset lies: a place to type its path, wherever a page needs faces that a registry does not hold."""

import re
from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import access, choose, dataset_places, open_datasets
from dashboard.open_datasets import OpenDataset, Place
from fergan_core.emotions import LABEL_ORDERS
from fergan_core.errors import FerganError

NOT_FOR_OTHERS = (
    "Others can open these pages, so they read no path of this machine; start the dashboard on `127.0.0.1` to name one."
)
ORDER_HELP = (
    "Only where numbers stand for the emotions, in another order than FER2013's (0 angry ... 6 neutral): alphabetical, "
    "raf-db, affectnet, ferplus, or the emotions separated by commas."
)


def named(recorded: Mapping[str, Any]) -> str:
    """Name a dataset by its name and the beginning of its content hash."""
    return f"{recorded['name']} ({str(recorded['content_hash'])[:8]})"


def in_page_words(error: FerganError) -> str:
    """Return an error's sentence as it reads on a page, where there are no flags but fields."""
    words = re.sub(r"^--(data|votes|label-order): ", "", str(error))
    return words.replace("--label-order", "the field Order of labels")


def is_at_hand(recorded: Mapping[str, Any], key: str) -> bool:
    """Tell whether the dataset that a run recorded can be read; otherwise say so and ask where it lies.

    What lies there is compared with the run's by its content, and its place remembered for the session, for all pages.
    """
    place = dataset_places.place_of(recorded)
    if place is not None:
        if place.path == "synthfer" or recorded["content_hash"] in dataset_places.dataset_places():
            return True
        if _checked(place, recorded):
            return True
    return ask(recorded, key)


def ask(recorded: Mapping[str, Any], key: str) -> bool:
    """Ask where the dataset of runs lies; True once it was found there."""
    with st.container(border=True):
        st.markdown(
            choose.plain(
                f"The registry keeps no faces of {named(recorded)}, and they are not at '{recorded['source']}'. Where "
                "do they lie?"
            )
        )
        if access.is_open_to_others():
            st.info(choose.sentence(NOT_FOR_OTHERS))
            return False
        typed = st.text_input(
            "Path of the file or folder", key=f"path {key}", placeholder="/home/me/fer2013.csv",
            help="FER2013 in any of its published layouts: fer2013.csv, its tar.gz or zip, a folder of pictures, "
            "parquet, npz. It is remembered as long as this page stays open in the browser.",
        )  # fmt: skip
        found = bool(typed.strip()) and _checked(Place(typed.strip(), recorded.get("label_order")), recorded)
    if found:
        st.rerun()
    return found


def _checked(place: Place, recorded: Mapping[str, Any]) -> bool:
    """Open what lies at a place; remember it if it is the dataset that runs recorded, otherwise say what it is."""
    opened = read(place)
    if opened is None:
        return False
    if opened.dataset.content_hash != recorded["content_hash"]:
        st.error(
            choose.plain(
                f"'{place.path}' holds other faces or labels ({opened.dataset.content_hash[:8]}) than "
                f"{named(recorded)}; give the data that the run was trained on."
            )
        )
        return False
    dataset_places.remember_place(opened)
    return True


def read(place: Place) -> OpenDataset | None:
    """Open a dataset while the person waits; where it cannot be read say so and return None."""
    try:
        with st.spinner(choose.plain(f"Reading {place.path}: the first time, a large file takes some seconds")):
            while True:
                opened = open_datasets.opened(place)
                if opened is not None:
                    return opened
    except FerganError as error:
        st.error(choose.sentence(in_page_words(error)))
        return None


def order_field(key: str) -> str | None:
    """Ask in which order labels' numbers count the emotions; None for FER2013's."""
    known = [name for name in LABEL_ORDERS if name != "fer2013"]
    order: str | None = st.selectbox(
        "Order of labels", known, index=None, key=key, placeholder="FER2013's", accept_new_options=True, help=ORDER_HELP
    )
    return order
