"""The recipe of a run that a script of one's own recorded, or that was imported: no more than is known of it.

FerGAN cannot train it again or draw from it. The script's configuration stands under `config`; what pages read of it,
`batch_size`, `epochs`, `steps_per_epoch` and `seed`, stands at the top as well.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from fergan_core.errors import UsageError

OWN_SCRIPT = "own script"  # the method and preset of a run that a script recorded
IMPORTED = "imported"  # the preset of one that was imported

_COUNTS = {"batch_size": 1, "epochs": 1, "steps_per_epoch": 1, "seed": 0}  # with the least that each can be
_MOST = 2**53


def own_recipe(config: Any, preset: str = OWN_SCRIPT) -> dict[str, Any]:
    """Return the recipe of a configuration: a mapping, a dataclass, or what has attributes, such as argparse's flags.

    Values become plain JSON; of what JSON has no form for, such as a path or a function, the text is kept.
    """
    plain: dict[str, Any] = _plain({} if config is None else _as_mapping(config))
    counts = {name: plain[name] for name, least in _COUNTS.items() if _is_count(plain.get(name), least)}
    return {"preset": preset, "method": {"kind": OWN_SCRIPT}, **counts, "config": plain}


def _as_mapping(config: Any) -> Mapping[Any, Any]:
    if isinstance(config, Mapping):
        return config
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    try:
        settings: Mapping[Any, Any] = vars(config)
    except TypeError:
        raise UsageError(
            f"config: {config!r:.60} holds no named settings; give a dict, a dataclass, or the flags that argparse read"
        ) from None
    return settings


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= _MOST


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and getattr(value, "size", None) == 1:  # NumPy's numbers
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
