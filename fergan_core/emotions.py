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
