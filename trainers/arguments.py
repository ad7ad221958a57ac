"""How a flag or argument of a command is described; its default is printed only where it says something."""

import tyro

# What tyro prints of None, of an empty tuple, and of a switch that is off.
_SAYS_NOTHING = ("None", "", "False")


def arg(*, name: str | None = None, metavar: str | None = None, help: str | None = None) -> object:
    """Return what tyro is to show of an argument, to stand in its `Annotated`."""
    return tyro.conf.arg(name=name, metavar=metavar, help=help, help_behavior_hint=_default)


def _default(label: str) -> str:
    return "" if label in _SAYS_NOTHING else f"(default: {label})"
