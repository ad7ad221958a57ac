"""`fergan backup` and `fergan restore`: a registry and its files to a folder, and back from it."""

from pathlib import Path
from typing import Annotated

from trainers.arguments import arg
from trainers.runs_commands import JsonFlag, RegistryFlag, print_json


def backup(
    target: Annotated[Path, arg(metavar="TARGET", help="A new folder, or one with earlier backups.")],
    /,
    *,
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> int:
    """Back the registry up to a folder, with its files, even while trainings run; earlier backups are kept."""
    from fergan_core.registry.backup import backup as write

    result = write(registry, target)
    if json:
        print_json(
            {
                "database": str(result.database),
                "files": result.files,
                "new": result.copied,
                "bytes": result.bytes,
                "lost": result.lost,
            }
        )
    else:
        for path in result.lost:
            print(f"missing or changed, not in the backup: {path}")
        print(f"{result.database}: {result.files:,} files ({result.copied:,} new), {result.bytes / 1e6:,.1f} MB in all")
    return 1 if result.lost else 0


def restore(
    source: Annotated[
        Path,
        arg(metavar="TARGET", help="A folder of backups, of which the newest is used, or a .db file in it."),
    ],
    /,
    *,
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> int:
    """Restore a registry from its backup; an existing one is moved aside, not overwritten."""
    from fergan_core.registry.backup import restore as bring_back

    result = bring_back(source, registry)
    if json:
        aside = None if result.aside is None else str(result.aside)
        print_json(
            {
                "database": str(result.database),
                "files": result.copied,
                "bytes": result.bytes,
                "lost": result.lost,
                "aside": aside,
            }
        )
    else:
        for path in result.lost:
            print(f"missing or changed in the backup: {path}")
        if result.aside is not None:
            print(f"the earlier registry is kept as {result.aside}, its files beside it")
        print(f"{result.database}: {result.copied:,} files, {result.bytes / 1e6:,.1f} MB")
    return 1 if result.lost else 0
