"""`fergan import`: runs of other tools, from TensorBoard's event files, CSV exports and pictures."""

from pathlib import Path
from typing import Annotated

from trainers.arguments import arg
from trainers.runs_commands import JsonFlag, RegistryFlag, print_json


def import_foreign(
    path: Annotated[
        Path,
        arg(
            metavar="PATH", help="An event file, a CSV with a step column, or a folder of these or of pictures by step."
        ),
    ],
    /,
    *,
    name: Annotated[
        str | None, arg(metavar="NAME", help="Name of the run; of several runs it begins each name.")
    ] = None,
    registry: RegistryFlag = None,
    json: JsonFlag = False,
) -> None:
    """Import runs of other tools: all, or none where anything cannot be read. For FerGAN's archives: `runs import`."""
    from fergan_core.registry import Registry
    from fergan_core.registry.exchange import foreign

    imported = foreign.import_foreign(Registry(registry), path, name)
    if json:
        print_json([{"id": run_id, "name": title} for run_id, title in imported])
        return
    for run_id, title in imported:
        print(f"run {run_id}  {title}")
