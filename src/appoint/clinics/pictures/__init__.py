"""Clinics' logos and photos, and doctors' portraits."""
