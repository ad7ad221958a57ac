"""The seven emotions, in FER2013's order, every spelling of them that published layouts use, and labels' numbers."""

from collections.abc import Collection
from difflib import SequenceMatcher

from fergan_core.errors import DataError

EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
CONTEMPT = "contempt"

# Folder and label names seen in published copies of FER2013, beside the canonical ones.
_SPELLINGS: dict[str, str] = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
# What other datasets of faces call the same emotion. Read as such, but never without a word.
_SYNONYMS: dict[str, str] = {
    "afraid": "fear",
    "astonished": "surprise",
    "joy": "happy",
    "joyful": "happy",
    "natural": "neutral",
    "scared": "fear",
}
_LEAST_ALIKE = 0.85  # 'suprise' is 0.93 like 'surprise', 'nuetral' 0.86 like 'neutral'; 'angel' is 0.80 like 'anger'
_SHORTEST = 5  # below that a letter makes another word: tear, fear; bad, sad


def emotion_code(name: str) -> int:
    """Return FER2013's code, 0 to 6, of an emotion in any published spelling and case; raise DataError otherwise."""
    word = name.strip().lower()
    word = _SPELLINGS.get(word, word)
    if word not in EMOTIONS:
        raise DataError(f"'{name}' is not an emotion of FER2013; use one of {', '.join(EMOTIONS)}")
    return EMOTIONS.index(word)


def is_emotion(name: str) -> bool:
    """Tell whether a word names an emotion in any published spelling."""
    word = name.strip().lower()
    return word in EMOTIONS or word in _SPELLINGS


def likely_emotion(name: str) -> int | None:
    """Return FER2013's code of the emotion that a synonym or a misspelling most likely means, None for other words.

    A misspelling begins with the right letter, has five letters or more and shares nearly all of them: 'suprise'.
    """
    word = name.strip().lower()
    if word in _SYNONYMS:
        return EMOTIONS.index(_SYNONYMS[word])
    if len(word) < _SHORTEST:
        return None
    alike = {
        spelling: SequenceMatcher(None, word, spelling).ratio()
        for spelling in (*EMOTIONS, *_SPELLINGS)
        if spelling[0] == word[0] and len(spelling) >= _SHORTEST
    }
    best = max(alike, key=lambda spelling: alike[spelling], default=None)
    return emotion_code(best) if best is not None and alike[best] >= _LEAST_ALIKE else None


# What a label's number counts through, where it is not FER2013's order. Alphabetical is what tools make of folders.
LABEL_ORDERS: dict[str, tuple[str, ...]] = {
    "fer2013": EMOTIONS,
    "alphabetical": tuple(sorted(EMOTIONS)),
    "raf-db": ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"),
    "affectnet": ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", CONTEMPT),
    "ferplus": ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", CONTEMPT),
}
_COUNTED_FROM_ONE = ("raf-db",)


def label_order(text: str) -> tuple[str, ...]:
    """Return the seven emotions, perhaps with contempt, in the order that labels count them, the first label's first.

    `text` is a name in LABEL_ORDERS or the seven emotions (and contempt, where a dataset has it) with commas between;
    raises DataError for anything else.
    """
    named_order = LABEL_ORDERS.get(text.strip().lower())
    if named_order is not None:
        return named_order
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    order = tuple(EMOTIONS[emotion_code(word)] if is_emotion(word) else word for word in words)
    if sorted(order) in (sorted(EMOTIONS), sorted((*EMOTIONS, CONTEMPT))):
        return order
    raise DataError(
        f"--label-order: '{text}' is not an order of labels; use {', '.join(LABEL_ORDERS)}, or all seven emotions (and "
        f"contempt where the data have it) with commas between, as in {','.join(EMOTIONS)}"
    )


def label_codes(text: str, numbers: Collection[int]) -> dict[int, int | None]:
    """Return what each of a dataset's label numbers means under an order: FER2013's code, None for contempt.

    The numbers together tell whether they count from 0 or from 1; where they have neither 0 nor the last number they
    count as the order is published (raf-db from 1, all others from 0). Raises DataError for a number beyond the order.
    """
    order = label_order(text)
    last = len(order)
    from_one = 0 not in numbers and (last in numbers or text.strip().lower() in _COUNTED_FROM_ONE)
    first = int(from_one)
    beyond = sorted(number for number in numbers if not 0 <= number - first < last)
    if beyond:
        raise DataError(
            f"--label-order: label {beyond[0]} is not in {text}, which counts {last} from {first}; give an order that "
            "has all of the data's labels"
        )
    words = {number: order[number - first] for number in numbers}
    return {number: None if word == CONTEMPT else emotion_code(word) for number, word in words.items()}
