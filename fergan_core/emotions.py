"""The seven emotions, in FER2013's order, and every spelling of them that published layouts use."""

from fergan_core.errors import DataError

EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

# Folder and label names seen in published copies of FER2013, beside the canonical ones.
_SPELLINGS: dict[str, str] = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}


def emotion_code(name: str) -> int:
    """Return FER2013's code, 0 to 6, of an emotion in any published spelling and case; raise DataError otherwise."""
    word = name.strip().lower()
    word = _SPELLINGS.get(word, word)
    if word not in EMOTIONS:
        raise DataError(f"'{name}' is no emotion of FER2013; use one of {', '.join(EMOTIONS)}")
    return EMOTIONS.index(word)


def is_emotion(name: str) -> bool:
    """Tell whether a word names an emotion in any published spelling."""
    word = name.strip().lower()
    return word in EMOTIONS or word in _SPELLINGS


# What a label's number counts through, where it is not FER2013's order. Alphabetical is what tools make of folders.
LABEL_ORDERS: dict[str, tuple[str, ...]] = {
    "fer2013": EMOTIONS,
    "alphabetical": tuple(sorted(EMOTIONS)),
    "raf-db": ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"),
}


def label_order(text: str) -> tuple[str, ...]:
    """Return the seven emotions in the order that labels count them, the first label's first.

    `text` is a name in LABEL_ORDERS or the seven emotions with commas between; raises DataError for anything else.
    """
    known = LABEL_ORDERS.get(text.strip().lower())
    if known is not None:
        return known
    words = [word for word in text.split(",") if word.strip()]
    if len(words) == len(EMOTIONS) and all(is_emotion(word) for word in words):
        order = tuple(EMOTIONS[emotion_code(word)] for word in words)
        if len(set(order)) == len(EMOTIONS):
            return order
    raise DataError(
        f"--label-order: '{text}' is not an order of labels; use {', '.join(LABEL_ORDERS)}, or all seven emotions with "
        f"commas between, as in {','.join(EMOTIONS)}"
    )
