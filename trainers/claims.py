"""`fergan claims`: what the course project claimed of GANs, and what the registry's studies say of it."""

import json as json_text

from trainers.console import console, print_table
from trainers.runs_commands import open_reader


def judge(score: str, *, registry: str | None, json: bool) -> None:
    """Print a verdict a claim, with its numbers and what would try it.

    With `json` one line: {"score", "claims": [{"claim", "title", "verdict", "strength", "sentence", "interval",
    "interval_of", "runs", "seeds", "data", "protocol", "study", "commands"}]}.
    """
    from fergan_core.analysis.claims import SCORES, STUDIES, Study, verdicts
    from fergan_core.registry.study_tables import study_tables

    reader = open_reader(registry)
    found = verdicts({name: Study(*study_tables(reader, name)) for name in STUDIES}, SCORES[score])
    if json:
        told = {"score": score, "claims": [verdict.as_dict() for verdict in found]}
        print(json_text.dumps(told, allow_nan=False))
        return
    from rich.table import Table
    from rich.text import Text

    shown = console()
    table = Table("claim", "verdict", "why", "runs", "seeds", "data", show_lines=True)
    for verdict in found:
        strength = " (suggested)" if verdict.strength == "suggested" else ""
        counts = (str(len(verdict.run_ids)), str(verdict.seeds)) if verdict.run_ids else ("", "")
        words = (verdict.claim.title, verdict.verdict + strength, verdict.sentence, *counts, verdict.data)
        table.add_row(*(Text(word) for word in words))
    print_table(table, shown)
    untried = dict.fromkeys(
        command for verdict in found if verdict.verdict == "not tried" for command in verdict.claim.commands
    )
    if untried:
        shown.print("What is not tried yet, these try:")
        for command in untried:
            shown.print(Text(command), soft_wrap=True)
