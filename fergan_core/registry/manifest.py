"""What an archive's manifest may say, checked field by field: it comes from somebody else's machine."""

from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

FORMAT = "fergan-run-1"

Count = Annotated[int, Field(ge=0, lt=2**63)]
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
    name: Annotated[str, Field(min_length=1)]
    status: Literal["running", "finished", "interrupted", "diverged", "failed"]
    reason: str
    method: str
    preset: str
    recipe: dict[str, Any]
    data: str
    data_hash: str
    dataset: dict[str, Any]
    seed: int
    device: str
    provenance: dict[str, Any]
    epoch: Count
    epochs: Count
    step: Count
    steps: Count
    images_seen: Count
    created: float
    finished: float | None
    heartbeat: float
    thinned: bool
    # An archive of before there were forks has neither.
    parent: Annotated[str, Field(pattern=r"^[a-z0-9]{1,16}$")] | None = None
    parent_step: Count | None = None


class NoteRow(_Rows):
    """A note."""

    text: str
    created: float


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
    created: float

    @model_validator(mode="after")
    def _state_whole(self) -> Self:
        if len({value is None for value in (self.state_path, self.state_sha256, self.state_bytes)}) != 1:
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
    emotions: list[str]
    columns: Count
    created: float


class ScoreLine(_Rows):
    """One number of an evaluation."""

    metric: str
    emotion: str
    value: float | None
    low: float | None
    high: float | None
    real: float | None
    noise: float | None = None  # exports of before scores had it


class EvaluationRow(_Rows):
    """An evaluation with its scores."""

    step: Count
    epoch: Count
    judge: str
    judge_sha256: str
    protocol: dict[str, Any]
    protocol_key: str
    created: float
    scores: list[ScoreLine]


class FindingRow(_Rows):
    """A finding."""

    step: Count
    epoch: Count
    kind: str
    severity: str
    sentence: str
    numbers: dict[str, Any]
    created: float


class Manifest(_Rows):
    """A run and all its rows but its points."""

    format: Literal["fergan-run-1"]
    run: RunRow
    tags: list[Annotated[str, Field(min_length=1)]]
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
        for rows in (self.checkpoints, self.sheets):
            if len({row.step for row in rows}) != len(rows):
                raise ValueError("two files of a kind have the same step")
        return self


def wanted_files(manifest: Manifest) -> list[FileEntry]:
    """Return every file that a manifest's rows name."""
    entries = []
    for row in manifest.checkpoints:
        entries.append(FileEntry(row.path, row.sha256, row.bytes))
        if row.state_path is not None and row.state_sha256 is not None and row.state_bytes is not None:
            entries.append(FileEntry(row.state_path, row.state_sha256, row.state_bytes))
    return entries + [FileEntry(row.path, row.sha256, row.bytes) for row in manifest.sheets]
