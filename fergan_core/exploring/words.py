"""What changes along a direction, in words; no torch, so that a page can say it."""

from collections.abc import Mapping
from typing import Any

_LEAST = 0.002  # change per unit that is worth a word: 0.2 points of 100
_MOST_EMOTIONS = 3
# From which difference (1 less MS-SSIM of the two ends) on faces change how much.
_HOW_MUCH = ((0.4, "much"), (0.15, "clearly"), (0.02, "a little"), (-1.0, "hardly"))


def what_changes(effect: Mapping[str, Any]) -> str:
    """Say what an `effects.Effect`, as a dict, changes in the direction's own sense: what is sure and worth a word.

    Changes are in points of 100 a unit, of the judge's probability or from black to white.
    """
    sure = {name: one["value"] for name, one in effect["emotions"].items() if _counts(one)}
    strongest = sorted(sure, key=lambda name: -abs(sure[name]))[:_MOST_EMOTIONS]
    parts = [f"{'more' if sure[name] > 0 else 'less'} {name} ({100 * sure[name]:+.1f})" for name in strongest]
    brightness = effect["brightness"]
    if _counts(brightness):
        parts.append(f"{'lighter' if brightness['value'] > 0 else 'darker'} ({100 * brightness['value']:+.1f})")
    return ", ".join(parts) or ("nothing" if how_much(effect) == "hardly" else "nothing that the judge reads")


def how_much(effect: Mapping[str, Any]) -> str:
    """Say how much lines and shapes change from one end to the other, brightness aside: much, clearly, a little, or
    hardly."""
    return next(words for least, words in _HOW_MUCH if effect["difference"]["value"] >= least)


def _counts(interval: Mapping[str, float]) -> bool:
    """Tell whether a change is surely not 0 (95 %) and large enough to be named."""
    return (interval["low"] > 0 or interval["high"] < 0) and abs(interval["value"]) >= _LEAST
