"""`fergan runs verify`: what of a registry is damaged, what lies about beside it, and how either is mended."""

from typing import TYPE_CHECKING

from fergan_core.errors import RegistryError
from trainers.runs_commands import open_reader, print_json

if TYPE_CHECKING:
    from fergan_core.registry.verify import Report


def verify(registry: str | None, *, repair: bool, json: bool) -> int:
    """Check a registry, mend it where `repair` says so, and print what was found and done.

    Exit status: 1 where anything that was recorded is damaged, mended or not, 0 otherwise, strays or not.
    """
    from fergan_core.registry import Registry
    from fergan_core.registry.repair import repair as clean
    from fergan_core.registry.verify import verify as check

    reader = open_reader(registry)
    report = check(reader)
    done: list[str] = []
    if repair and (report.damage or report.strays):
        if report.database:
            raise RegistryError("the database is damaged")
        done = clean(Registry(reader.url), report)
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
    return 0 if report.whole else 1


def _print(report: "Report", done: list[str]) -> None:
    for fault in report.database:
        print(f"database: {fault}")
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
        print("`fergan runs verify --repair` cleans up; what is damaged may come back whole by `fergan restore`")
