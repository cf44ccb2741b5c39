"""Absences: doctors who are away and clinics that are closed."""
