"""Corrections: what a clinic's staff change about their patients' details."""
