"""The whole configuration of a run: the common fields and one method's own; its validation and its JSON."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.errors import DataError, UsageError
from fergan_core.recipe.fields import STRICT, Count, Positive, explain
from fergan_core.recipe.gan import Gan
from fergan_core.recipe.method import MethodRecipe, method_recipe
from fergan_core.recipe.own import OWN_SCRIPT


@dataclass(frozen=True, config=STRICT)
class Common:
    """The fields that every method's recipe has."""

    preset: str = "quick"
    """Preset from which the recipe starts; other flags change single fields of it."""
    emotions: tuple[str, ...] = EMOTIONS
    """Emotions to train on, by name."""
    epochs: Positive = 10
    """Passes over the training images."""
    batch_size: Annotated[int, Field(ge=2)] = 128
    """Images per step."""
    images: Count = 0
    """Use only the first N training images of the chosen emotions; 0 uses all."""
    seed: Count = 0
    """Seed of everything random in the run."""
    flip: bool = False
    """Mirror each training image with probability 1/2."""
    sampling: Literal["natural", "sqrt", "balanced"] = "natural"
    """How often each emotion is drawn: as in the data, by the square root of its frequency, or all equally often."""
    eval_every: Count = 1
    """Epochs between evaluations; 0 evaluates only the last epoch."""
    watch_every: Count = 50
    """Steps between measurements by the instruments; 0 makes none."""
    checkpoint_every: Positive = 1
    """Epochs between checkpoints; the last epoch always has one."""
    sheet_every: Count = 0
    """Steps between sheets of faces within an epoch, useful where epochs are long; 0 draws them only between epochs."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of the networks; auto is bfloat16 autocast on a GPU that has it, float32 elsewhere."""
    compile: bool = False
    """Compile the networks by torch.compile, which pays in long trainings on a GPU only."""


@dataclass(frozen=True, config=STRICT)
class Recipe(Common):
    """The whole configuration of a run: the common fields and one method's own."""

    method: SerializeAsAny[MethodRecipe] = Gan()

    def __post_init__(self) -> None:
        try:
            codes = [emotion_code(name) for name in self.emotions]
        except DataError as error:
            raise UsageError(f"--emotions: {error}") from None
        if not codes or len(set(codes)) != len(codes):
            raise UsageError("--emotions: name at least one emotion, and each only once")
        self.method.check(len(codes), self.compile)
        object.__setattr__(self, "emotions", tuple(EMOTIONS[code] for code in sorted(codes)))


_ADAPTER: TypeAdapter[Recipe] = TypeAdapter(Recipe)


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as plain JSON values, of which `from_dict` makes the same recipe again."""
    plain: dict[str, Any] = _ADAPTER.dump_python(recipe, mode="json")
    return plain


def changed(recipe: Recipe, settings: Mapping[str, object], *, flag: str = "--set") -> Recipe:
    """Return a recipe with some fields, common or the method's own, set to these texts, or to values of their types.

    Raises UsageError, which names the `flag` that they come from, for an unknown field.
    """
    plain = to_dict(recipe)
    for name, value in settings.items():
        field = name.strip().replace("-", "_")
        part = plain if field in plain and field not in ("method", "preset") else plain["method"]
        if field not in part or field == "kind":
            field_names = [key for key in (*plain, *plain["method"]) if key not in ("method", "preset", "kind")]
            near = difflib.get_close_matches(field, field_names, n=1)
            raise UsageError(
                f"{flag}: the recipe has no field '{field}'" + (f"; did you mean '{near[0]}'?" if near else "")
            )
        part[field] = value.split(",") if isinstance(part[field], list) and isinstance(value, str) else value
    return from_dict(plain)


def from_dict(plain: Mapping[str, Any]) -> Recipe:
    """Make a recipe from JSON values; raise UsageError naming the field that is unknown or out of range."""
    method = plain.get("method", {"kind": Gan.kind})
    if not isinstance(method, Mapping):
        raise UsageError(f"recipe: its method must be an object with the method's kind and fields, not {method!r}")
    if method.get("kind") == OWN_SCRIPT:
        raise UsageError(
            "the run was recorded by a script, or imported: FerGAN knows no network of it to train or draw with; do "
            "that with the script, and score its images by `fergan evaluate --images`"
        )
    of_kind = TypeAdapter(method_recipe(method.get("kind")))
    try:
        return _ADAPTER.validate_python({**plain, "method": of_kind.validate_python(dict(method))})
    except ValidationError as error:
        raise UsageError(explain(error)) from None
