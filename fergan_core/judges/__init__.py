"""Classifiers of emotion by which generated faces are scored; the shipped ones are here, each with its card."""
