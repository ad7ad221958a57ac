"""How to cite FerGAN and a run, with the facts of CITATION.cff, which an installed package does not have beside it."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from fergan_core.report.contents import Citation

TITLE = "FerGAN: a laboratory for generators of emotional faces"
AUTHORS = "The FerGAN authors"
LICENCE = "MIT"

_FER2013 = """@misc{goodfellow2013challenges,
  author = {Goodfellow, Ian J. and others},
  title = {Challenges in Representation Learning: A report on three machine learning contests},
  year = {2013},
  eprint = {1307.0414},
  archiveprefix = {arXiv},
}"""


def citation(runs: Sequence[Mapping[str, Any]]) -> Citation:
    """Return how to cite the software, the runs and, where it was trained on, FER2013; runs as `Reader.run` gives."""
    whose = ", ".join(_run(run) for run in runs)
    # The authors in braces are one name, and the capitals of the title's first word stay.
    software = "\n".join(
        [
            "@software{fergan,",
            f"  author = {{{{{AUTHORS}}}}},",
            f"  title = {{{{FerGAN}}{TITLE.removeprefix('FerGAN')}}},",
            f"  version = {{{version()}}},",
            f"  license = {{{LICENCE}}},",
            f"  note = {{{whose}}},",
            "}",
        ]
    )
    text = f"{AUTHORS}. {TITLE}. Version {version()}, {LICENCE} licence; {whose}."
    if any(run["data"] == "fer2013" for run in runs):
        text += (
            " FER2013: Goodfellow, Ian J., and others. Challenges in Representation Learning: A report on three "
            "machine learning contests. 2013. https://arxiv.org/abs/1307.0414"
        )
        software += f"\n\n{_FER2013}"
    return Citation(text, software)


def version() -> str:
    """Return the version of the FerGAN that writes; 'unknown' where it is not installed."""
    try:
        return metadata.version("fergan")
    except metadata.PackageNotFoundError:
        return "unknown"


def _run(run: Mapping[str, Any]) -> str:
    commit = str(run["provenance"].get("git_commit") or "")
    return f"run {run['id']}" + (f" of commit {commit[:12]}" if commit else "")
