"""What the fields of all recipes are made of: their ranges, and how strictly they are read."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field

STRICT = ConfigDict(extra="forbid")

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]

# Units of the fields whose names do not tell that they count epochs or steps.
UNITS: Mapping[str, str] = {
    "eval_every": "epochs",
    "checkpoint_every": "epochs",
    "watch_every": "steps",
    "r1_every": "steps",
    "warmup": "steps",
}
