"""Findings: what went wrong in a training, when, by which numbers, in a sentence; tables in, tables out, no torch."""

from fergan_core.analysis.findings.course import Course, Finding
from fergan_core.analysis.findings.find import KINDS, find

__all__ = ["KINDS", "Course", "Finding", "find"]
