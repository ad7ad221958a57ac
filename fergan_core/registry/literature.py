"""The report that the project grew out of, as a run that can be looked at beside one's own but not changed."""

import json
import math
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fergan_core.recipe import REPORT_EMOTIONS
from fergan_core.registry.connect import inserted_key
from fergan_core.registry.schema import EvaluationRow, NoteRow, RunRow, ScoreRow

RUN_ID = "report22"
# Report of the course IA930, Unicamp, 2022: its table of "Inception Score" by epoch.
TABLE = {25: 0.15283, 50: 0.15732, 75: 0.3594, 100: 0.3791}
CAVEAT = (
    "As printed in the report, as 'Inception Score'. The exponential of a mean KL divergence cannot be below 1, so "
    "these are not standard Inception Scores; that the exponential was left out is the simplest explanation, and they "
    "are entered here as KL in nats, from which the other readings follow. Judge, sample count and label prior are not "
    "documented: compare the course over epochs, not the height."
)


def insert(connection: Connection) -> None:
    """Enter the report's run into a new registry."""
    # The course was given in the second half of 2022; the report bears no day.
    when = datetime(2022, 12, 1, tzinfo=UTC).timestamp()
    key = inserted_key(
        connection.execute(
            sa.insert(RunRow).values(
                id=RUN_ID,
                name="Report 2022 (IA930)",
                status="finished",
                reason="",
                method="gan",
                preset="literature",
                recipe={"preset": "literature", "emotions": list(REPORT_EMOTIONS), "epochs": 100},
                data="fer2013",
                data_hash="",
                dataset={"name": "fer2013", "source": "fer2013", "content_hash": "", "images": 0},
                seed=0,
                device="",
                provenance={},
                epoch=100,
                epochs=100,
                step=100,
                steps=100,
                images_seen=0,
                created=when,
                finished=when,
                heartbeat=when,
                literature=True,
                thinned=False,
            )
        )
    )
    connection.execute(sa.insert(NoteRow).values(run_key=key, text=CAVEAT, created=when))
    protocol = {"judge": "not documented", "count": None, "seed": None, "prior": "not documented"}
    for epoch, kl in TABLE.items():
        evaluation = inserted_key(
            connection.execute(
                sa.insert(EvaluationRow).values(
                    run_key=key,
                    step=epoch,
                    epoch=epoch,
                    judge="not documented",
                    judge_sha256="",
                    protocol=protocol,
                    protocol_key=json.dumps(protocol, sort_keys=True),
                    created=when,
                )
            )
        )
        readings = {"kl_nats": kl, "is": math.exp(kl), "kl_ratio": kl / math.log(len(REPORT_EMOTIONS))}
        connection.execute(
            sa.insert(ScoreRow),
            [
                {"evaluation_key": evaluation, "metric": metric, "emotion": "", "value": value}
                for metric, value in readings.items()
            ],
        )
