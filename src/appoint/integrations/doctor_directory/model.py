"""A provider is a doctor; only where the clinic is said differs."""

from ...clinics.doctors.model import DoctorContent
from ...kit import fields


class ProviderContent(DoctorContent):
    clinic_id: fields.ClinicNumber | None = None
    """May be left out where there is exactly one clinic."""
