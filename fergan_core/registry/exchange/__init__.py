"""Runs that travel: archives, their manifests, and the showcase."""
