"""The judges: how good the classifiers are on which all other scores rest."""

from dashboard import choose
from dashboard.sections import judges

choose.heading("Judges", "How far can the classifiers be trusted by which all other scores are measured?")
judges.show()
