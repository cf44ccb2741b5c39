"""Providers are doctors. Only the request that creates one differs, because its body names the clinic."""

from ...clinics.doctors.model import DoctorContent
from ...kit import fields


class ProviderContent(DoctorContent):
    clinic_id: fields.ClinicNumber | None = None
    """Optional if there is exactly one active clinic."""
