"""Studies: which of many settings survive, and what a score depends on."""

from dashboard import choose, data
from dashboard.sections import studies

choose.heading(
    "Studies",
    "Which of many settings train without a collapse or another alarm, and what do the scores depend on?",
)
if choose.any_trained(data.runs()):
    studies.show()
