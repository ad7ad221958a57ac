"""`fergan backup` and `fergan restore`: a registry and its files to a folder, and back from it."""

from pathlib import Path
from typing import Annotated

import tyro

from trainers.runs_commands import JsonFlag, RegistryFlag, print_json


def backup(
    target: Annotated[Path, tyro.conf.arg(metavar="TARGET", help="A new folder, or one with earlier backups.")],
    /,
    *,
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> int:
    """Back the registry up to a folder, with its files, even while trainings run; earlier backups are kept."""
    from fergan_core.registry.backup import backup as write

    made = write(registry, target)
    if json:
        print_json(
            {
                "database": str(made.database),
                "files": made.files,
                "new": made.copied,
                "bytes": made.bytes,
                "lost": made.lost,
            }
        )
    else:
        for path in made.lost:
            print(f"missing or changed, not in the backup: {path}")
        print(f"{made.database}: {made.files:,} files ({made.copied:,} new), {made.bytes / 1e6:,.1f} MB in all")
    return 1 if made.lost else 0


def restore(
    source: Annotated[
        Path,
        tyro.conf.arg(metavar="TARGET", help="A folder of backups, of which the newest is used, or a .db file in it."),
    ],
    /,
    *,
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> int:
    """Restore a registry from its backup; an existing one is moved aside, not overwritten."""
    from fergan_core.registry.backup import restore as bring_back

    made = bring_back(source, registry)
    if json:
        aside = None if made.aside is None else str(made.aside)
        print_json(
            {
                "database": str(made.database),
                "files": made.copied,
                "bytes": made.bytes,
                "lost": made.lost,
                "aside": aside,
            }
        )
    else:
        for path in made.lost:
            print(f"missing or changed in the backup: {path}")
        if made.aside is not None:
            print(f"the earlier registry is kept as {made.aside}, its files beside it")
        print(f"{made.database}: {made.copied:,} files, {made.bytes / 1e6:,.1f} MB")
    return 1 if made.lost else 0
