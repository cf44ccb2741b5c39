"""Absences: a doctor away, or a clinic closed."""
