"""`fergan report`: a page on one run or several that can be sent, printed and archived; or their tables for a paper."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from fergan_core.errors import CheckpointError, FerganError, RegistryError, UsageError
from trainers.arguments import arg
from trainers.runs_commands import RegistryFlag, open_reader

if TYPE_CHECKING:
    from fergan_core.browser import Network
    from fergan_core.registry import Reader


def report(
    runs: Annotated[list[str], arg(metavar="RUN...", help="Runs: two or more are compared.")],
    /,
    *,
    out: Annotated[Path, arg(metavar="FILE", help="File to write; one that is there is replaced.")],
    form: Annotated[
        Literal["html", "md", "tex"] | None,
        arg(
            name="format",
            metavar="html|md|tex",
            help="The whole report as HTML, or its tables as Markdown or LaTeX; by default by the name, else HTML.",
        ),
    ] = None,
    generators: Annotated[
        bool,
        arg(
            help="Put the generators that draw a face in one pass into the page, so that its reader makes faces: 5 MB "
            "more, and some megabytes each."
        ),
    ] = False,
    registry: RegistryFlag = None,
) -> None:
    """Write a report on runs: one file that needs no network, with figures, faces, scores, findings and recipe."""
    if not runs:
        raise UsageError(
            "name one or more runs, as in `fergan report RUN --out report.html`; `fergan runs list` lists them"
        )
    if out.is_dir() or not out.parent.is_dir():
        raise UsageError(f"--out: '{out}' cannot be written; name a file in a folder that exists")
    reader = open_reader(registry)
    run_ids = [reader.resolve(run, trashed="never") for run in runs]
    from fergan_core.files import write_atomically
    from fergan_core.report import FORMATS, Format, report_of, written

    suffix = out.suffix.lower().removeprefix(".")
    by_name: Format = next((one for one in FORMATS if one == suffix), "html")
    chosen = form or by_name
    if generators and chosen != "html":
        raise UsageError(f"--generators: a report in {chosen} draws no faces; write HTML, or leave it out")
    networks = _networks(reader, run_ids) if generators else {}
    content = written(report_of(reader, run_ids, networks), chosen).encode()
    try:
        write_atomically(out, content)
    except OSError as error:
        raise RegistryError(f"--out: '{out}' cannot be written ({error.strerror}); choose another place") from None
    count = len(set(run_ids))
    print(f"{out}: {count} run{'s' if count > 1 else ''}, {len(content) / 1e6:,.2f} MB")


def _networks(reader: "Reader", run_ids: list[str]) -> "dict[str, Network]":
    """Return the runs' generators by their last checkpoints; a line says of which there is none, and why."""
    from fergan_core.data import cache
    from fergan_core.methods import load_generator
    from fergan_core.methods.one_pass import browser_network

    networks = {}
    for run_id in dict.fromkeys(run_ids):
        run, checkpoints = reader.run(run_id), reader.checkpoints(run_id)
        try:
            if checkpoints.empty:
                raise CheckpointError("it has no checkpoint here")
            last = checkpoints.sort_values("step").iloc[-1]
            generator = load_generator(run["recipe"], reader.file(last["path"]))
            networks[run_id] = browser_network(generator, last["sha256"], cache.folder() / "generators")
        except FerganError as error:
            print(f"without the generator of '{run['name']}': {error}", file=sys.stderr)
    return networks
