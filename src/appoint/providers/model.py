"""A provider is a doctor; only where the clinic is said differs."""

from typing import Annotated

import msgspec

from ..doctors.model import DoctorContent


class ProviderContent(DoctorContent):
    clinic_id: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    """May be left out where there is exactly one clinic."""
