"""Findings: what went wrong in a training, when, by which numbers, in a sentence; tables in, tables out, no torch."""

from fergan_core.analysis.findings.find import KINDS, SCORES, find
from fergan_core.analysis.findings.history import Finding, RunHistory

__all__ = ["KINDS", "SCORES", "Finding", "RunHistory", "find"]
