"""Corrections: changes that a clinic's staff make to their patients' details."""
