"""What the fields of all recipes are made of: their ranges, how strictly they are read, and what is wrong with one."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field, ValidationError

# The docstrings of fields are their help, on the command line and in forms.
STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True)

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]

# Units of the fields whose names do not tell that they count epochs or steps.
UNITS: Mapping[str, str] = {
    "eval_every": "epochs",
    "checkpoint_every": "epochs",
    "watch_every": "steps",
    "sheet_every": "steps",
    "r1_every": "steps",
    "warmup": "steps",
}


def explain(error: ValidationError) -> str:
    """Say in one sentence which flag is out of range, and why."""
    first = error.errors()[0]
    flag = str(first["loc"][-1]).replace("_", "-") if first["loc"] else "recipe"
    rule = first["msg"][0].lower() + first["msg"][1:]
    return f"--{flag}: {first.get('input')!r} cannot be used: {rule}"
