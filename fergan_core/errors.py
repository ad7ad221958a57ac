"""What can go wrong, each in one sentence that says what, where, and what to do instead.

FerganError
├── UsageError        a flag or an argument that cannot be meant            exit 2
├── DataError         a dataset that cannot be read, or a bad row in it    exit 2
├── RegistryError     the registry refuses or fails                         exit 1
│   ├── NoRun         no run, or more than one, of that name                exit 2
│   ├── NewerSchema   the database was written by a newer FerGAN            exit 1
│   ├── Damaged       the database cannot be read in part or at all         exit 1
│   └── BadArchive    an export that must not be taken                      exit 2
├── CheckpointError   a checkpoint that is missing, cut off or not ours     exit 1
└── TrainingError     a training that cannot go on (NaN, out of memory)     exit 1
"""


class FerganError(Exception):
    """Base of all errors that are told to a person in one line; `exit_code` is the command's exit status."""

    exit_code = 1


class UsageError(FerganError):
    """A flag or an argument that cannot be meant."""

    exit_code = 2


class DataError(FerganError):
    """A dataset that cannot be read: names the file, the row and the remedy."""

    exit_code = 2


class RegistryError(FerganError):
    """The registry refuses or fails."""


class NoRun(RegistryError):
    """No run, or more than one, answers to that id or name."""

    exit_code = 2


class NewerSchema(RegistryError):
    """The database was written by a newer FerGAN than this one."""


class Damaged(RegistryError):
    """The registry's database cannot be read, in part or at all."""


class BadArchive(RegistryError):
    """An exported archive that must not be imported."""

    exit_code = 2


class CheckpointError(FerganError):
    """A checkpoint that is missing, cut off or not ours."""


class TrainingError(FerganError):
    """A training that cannot go on."""
