"""`fergan claims`: the course project's claims about GANs, judged by the studies in the registry."""

import json as json_text

from trainers.console import console, print_table
from trainers.runs_commands import open_reader


def judge(score: str, *, registry: str | None, json: bool) -> None:
    """Print a verdict for each claim, with its numbers, and the commands that would test the untested.

    With `json` one line: {"score", "claims": [{"claim", "title", "verdict", "strength", "sentence", "interval",
    "interval_of", "runs", "seeds", "data", "protocol", "study", "commands"}]}.
    """
    from fergan_core.analysis.claims import SCORES, STUDIES, Study, verdicts
    from fergan_core.registry.study_tables import study_tables

    reader = open_reader(registry)
    judged = verdicts({name: Study(*study_tables(reader, name)) for name in STUDIES}, SCORES[score])
    if json:
        document = {"score": score, "claims": [verdict.as_dict() for verdict in judged]}
        print(json_text.dumps(document, allow_nan=False))
        return
    from rich.table import Table
    from rich.text import Text

    output = console()
    table = Table("claim", "verdict", "why", "runs", "seeds", "data", show_lines=True)
    for verdict in judged:
        strength = " (suggested)" if verdict.strength == "suggested" else ""
        counts = (str(len(verdict.run_ids)), str(verdict.seeds)) if verdict.run_ids else ("", "")
        words = (verdict.claim.title, verdict.verdict + strength, verdict.sentence, *counts, verdict.data)
        table.add_row(*(Text(word) for word in words))
    print_table(table, output)
    untried = dict.fromkeys(
        command for verdict in judged if verdict.verdict == "not tried" for command in verdict.claim.commands
    )
    if untried:
        output.print("These commands test the claims that are not tried yet:")
        for command in untried:
            output.print(Text(command), soft_wrap=True)
