"""The platform's own addresses, to which emails link."""

from typing import NamedTuple

from ...clinics.pictures.model import png_path


class SiteLinks(NamedTuple):
    public_url: str
    privacy_url: str = ""
    imprint_url: str = ""
    """The platform's legal pages, for clinics without their own; empty if there are none."""

    def logo_url(self, clinic_id: int, logo_hash: str | None) -> str | None:
        return f"{self.public_url}{png_path(clinic_id, logo_hash)}" if logo_hash else None
