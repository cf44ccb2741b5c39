"""A provider is a doctor; only where the clinic is said differs."""

from .. import wire
from ..doctors.model import DoctorContent


class ProviderContent(DoctorContent):
    clinic_id: wire.ClinicNumber | None = None
    """May be left out where there is exactly one clinic."""
