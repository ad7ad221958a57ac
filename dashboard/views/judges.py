"""The judges: how good the classifiers are on which all other scores rest."""

from dashboard import choose
from dashboard.sections import judges

choose.heading(
    "Judges",
    "How often is the classifier right that all other scores rest on, the judge, and does it know when it is not?",
)
judges.show()
