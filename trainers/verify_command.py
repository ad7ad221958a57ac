"""`fergan runs verify`: find what is damaged in a registry and which files are strays, and repair both."""

from dataclasses import replace
from typing import TYPE_CHECKING

from fergan_core.errors import Damaged, RegistryError
from trainers.runs_commands import open_reader, print_json

if TYPE_CHECKING:
    from fergan_core.registry.verify import Report


def verify(registry: str | None, *, repair: bool, json: bool) -> int:
    """Check a registry, repair it if `repair`, and print what was damaged and what was done.

    Returns the exit status: 1 where anything recorded is damaged, repaired or not; else 0, strays or not.
    """
    from fergan_core.registry import Registry
    from fergan_core.registry.repair import repair as clean
    from fergan_core.registry.verify import verify as check

    done: list[str] = []
    try:
        reader = open_reader(registry)
        report = check(reader)
    except Damaged:
        if not repair:
            raise
        done, report = _save(registry, ["it cannot be opened"])
    else:
        if repair and report.database:
            done, report = _save(registry, report.database)
    if repair and (report.damage or report.strays):
        done += clean(Registry(registry), report)
    if json:
        print_json(
            {
                "files": report.files,
                "bytes": report.bytes,
                "database": report.database,
                "damage": [{"kind": d.kind, "path": d.path, "run": d.run_id} for d in report.damage],
                "strays": [{"kind": s.kind, "path": s.path} for s in report.strays],
                "done": done,
            }
        )
    else:
        _print(report, done)
    return 0 if report.intact else 1


def _save(registry: str | None, faults: list[str]) -> "tuple[list[str], Report]":
    """Salvage a damaged database into a new one; return what was done, and the report on the new one."""
    from fergan_core.registry import Reader
    from fergan_core.registry.connect import files_folder, full_url, sqlite_path
    from fergan_core.registry.salvage import salvage
    from fergan_core.registry.verify import verify as check

    url = full_url(registry)
    path = sqlite_path(url)
    if path is None:
        raise RegistryError(
            "the PostgreSQL database is damaged; repair it with its own tools, or restore a dump with pg_restore"
        )
    saved = salvage(path, files_folder(url))
    counts = ", ".join(f"{count:,} {name}" for name, count in saved.rows.items() if count)
    done = [
        f"saved: {counts}",
        *(f"lost: {line}" for line in saved.lost),
        f"kept: the damaged database, as {saved.aside}",
    ]
    if saved.moved:
        done.append(f"kept: {saved.moved:,} files whose records are lost, in {saved.aside.with_suffix('.files')}")
    report = check(Reader(url))
    return done, replace(report, database=[*faults, *report.database])


def _print(report: "Report", done: list[str]) -> None:
    for fault in report.database:
        print(f"damaged: {fault}")
    if done:
        print(*done, sep="\n")
    else:
        for damage in report.damage:
            print(f"{damage.kind}: {damage.path}")
        for stray in report.strays:
            print(f"stray, {stray.kind}: {stray.path}")
    damaged = len(report.damage) + len(report.database)
    print(f"{report.files:,} files, {report.bytes / 1e6:,.1f} MB, {damaged} damaged, {len(report.strays)} strays")
    if not done and (report.damage or report.strays or report.database):
        print("`fergan runs verify --repair` cleans up; `fergan restore` brings damaged files back from a backup")
