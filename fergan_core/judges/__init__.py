"""Classifiers of emotion by which generated faces are scored; the shipped ones lie here, each with its card."""
