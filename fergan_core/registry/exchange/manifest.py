"""What an archive's manifest may say, checked field by field: it comes from somebody else's machine."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from fergan_core.registry import rows
from fergan_core.registry.schema import NO_STATE

FORMAT = "fergan-run-1"


def _by(rule: Callable[[Any], str | None]) -> AfterValidator:
    """Return a validator by a reader's rule, so that whatever is imported can also be shown."""

    def check(value: Any) -> Any:
        if (why := rule(value)) is not None:
            raise ValueError(why)
        return value

    return AfterValidator(check)


Count = Annotated[int, _by(rows.count_fault)]
Time = Annotated[float, _by(rows.time_fault)]
Word = Annotated[str, Field(max_length=1000)]
Text = Annotated[str, Field(max_length=1_000_000)]
Names = Annotated[list[Word], _by(rows.names_fault)]
Hash = Annotated[str, Field(max_length=64)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Below the run's own folder, two names deep at most, none hidden. (Here $ is the end of the text alone.)
Weights = Annotated[str, Field(pattern=r"^[a-z0-9]+(/[A-Za-z0-9_-][A-Za-z0-9._-]*){1,2}\.safetensors$")]
Picture = Annotated[str, Field(pattern=r"^[a-z0-9]+(/[A-Za-z0-9_-][A-Za-z0-9._-]*){1,2}\.webp$")]


class FileEntry(NamedTuple):
    """A file that a run's rows name: its path below the registry's folder, its SHA-256 and its size."""

    path: str
    sha256: str
    bytes: int


class _Rows(BaseModel):
    # A database's row has keys of its own, which mean nothing elsewhere: they are left out.
    model_config = ConfigDict(extra="ignore", ser_json_inf_nan="strings")


class RunRow(_Rows):
    """The run itself."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]{1,16}$")]
    name: Annotated[Word, Field(min_length=1)]
    status: Literal["running", "finished", "interrupted", "diverged", "failed"]
    reason: Text
    method: Word
    preset: Word
    recipe: Annotated[dict[str, Any], _by(partial(rows.fields_fault, "recipe"))]
    data: Word
    data_hash: Hash
    dataset: Annotated[dict[str, Any], _by(partial(rows.fields_fault, "dataset"))]
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)]
    device: Word
    provenance: dict[str, Any]
    epoch: Count
    epochs: Count
    step: Count
    steps: Count
    images_seen: Count
    created: Time
    finished: Time | None
    heartbeat: Time
    thinned: bool
    # An archive that is older than forks has neither.
    parent: Annotated[str, Field(pattern=r"^[a-z0-9]{1,16}$")] | None = None
    parent_step: Count | None = None


class NoteRow(_Rows):
    """A note."""

    text: Text
    created: Time


class CheckpointRow(_Rows):
    """A checkpoint: weights, and the rest of the training state or nothing of it."""

    step: Count
    epoch: Count
    images_seen: Count
    path: Weights
    sha256: Sha256
    bytes: Count
    state_path: Weights | None
    state_sha256: Sha256 | None
    state_bytes: Count | None
    created: Time

    @model_validator(mode="after")
    def _all_of_the_state_or_nothing(self) -> Self:
        if len({getattr(self, name) is None for name in NO_STATE}) != 1:
            raise ValueError("a state has a path, a hash and a size, or none of them")
        return self


class SheetRow(_Rows):
    """A sheet."""

    step: Count
    epoch: Count
    images_seen: Count
    path: Picture
    sha256: Sha256
    bytes: Count
    emotions: Names
    columns: Annotated[Count, Field(ge=1)]
    created: Time


class ScoreLine(_Rows):
    """One number of an evaluation."""

    metric: Annotated[Word, _by(rows.metric_fault)]
    emotion: Word
    value: float | None
    low: float | None
    high: float | None
    real: float | None
    noise: float | None = None  # older exports lack it


class EvaluationRow(_Rows):
    """An evaluation with its scores."""

    step: Count
    epoch: Count
    judge: Word
    judge_sha256: Hash
    protocol: Annotated[dict[str, Any], _by(partial(rows.fields_fault, "protocol"))]
    protocol_key: Text
    created: Time
    scores: list[ScoreLine]

    @model_validator(mode="after")
    def _comparable_scores(self) -> Self:
        for name in rows.PROTOCOL_FIELDS:
            if self.protocol.get(name) is None:
                raise ValueError(f"its protocol lacks '{name}'")
        _refuse_twice(((score.metric, score.emotion) for score in self.scores), "a score")
        return self


class FindingRow(_Rows):
    """A finding."""

    step: Count
    epoch: Count
    kind: Annotated[Word, Field(min_length=1)]
    severity: Word
    sentence: Text
    numbers: Annotated[dict[str, Any], _by(partial(rows.fields_fault, "numbers"))]
    created: Time

    @model_validator(mode="after")
    def _whose(self) -> Self:
        if self.kind == "collapse" and not self.numbers.get("emotion"):
            raise ValueError("a collapse of no emotion")
        return self


class Manifest(_Rows):
    """A run and all its rows but its points."""

    format: Literal["fergan-run-1"]
    run: RunRow
    tags: list[Annotated[Word, Field(min_length=1)]]
    notes: list[NoteRow]
    checkpoints: list[CheckpointRow]
    sheets: list[SheetRow]
    evaluations: list[EvaluationRow]
    findings: list[FindingRow]

    @model_validator(mode="after")
    def _own_files(self) -> Self:
        paths = [entry.path for entry in wanted_files(self)]
        if len(set(paths)) != len(paths):
            raise ValueError("a file is named twice")
        for path in paths:
            if path.partition("/")[0] != self.run.id:
                raise ValueError(f"'{path}' lies outside the run's own folder")
        kinds: tuple[Sequence[CheckpointRow | SheetRow], ...] = (self.checkpoints, self.sheets)
        for rows_of_kind in kinds:
            _refuse_twice((row.step for row in rows_of_kind), "two files of a kind have the same step: a step")
            for before, after in pairwise(sorted(rows_of_kind, key=lambda row: row.step)):
                if after.epoch < before.epoch or after.images_seen < before.images_seen:
                    raise ValueError(f"step {after.step} lies after step {before.step} and has a smaller epoch")
        evaluated = ((row.step, row.judge_sha256, row.protocol_key) for row in self.evaluations)
        _refuse_twice(evaluated, "an evaluation")
        return self


def _refuse_twice(keys: Iterable[Hashable], what: str) -> None:
    """Raise ValueError where a key that must be unique is there twice."""
    met: set[Hashable] = set()
    for key in keys:
        if key in met:
            raise ValueError(f"{what} is there twice: {key}")
        met.add(key)


def explain(error: ValidationError) -> str:
    """Say in words which field of which row is wrong, what it holds, and why."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or "manifest"
    value = first["input"]
    holds = f" is {value!r:.60}" if isinstance(value, str | int | float | None) else ""
    return f"{where}{holds}: {first['msg'].removeprefix('Value error, ')}"


def wanted_files(manifest: Manifest) -> list[FileEntry]:
    """Return every file that a manifest's rows name."""
    entries = []
    for row in manifest.checkpoints:
        entries.append(FileEntry(row.path, row.sha256, row.bytes))
        if row.state_path is not None and row.state_sha256 is not None and row.state_bytes is not None:
            entries.append(FileEntry(row.state_path, row.state_sha256, row.state_bytes))
    return entries + [FileEntry(row.path, row.sha256, row.bytes) for row in manifest.sheets]
