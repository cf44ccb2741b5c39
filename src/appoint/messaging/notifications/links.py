"""The settings that links need."""

from typing import NamedTuple

from ..templates.site_links import SiteLinks


class MessageLinks(NamedTuple):
    """The settings needed to create links and invitations."""

    public_url: str
    secret: str
    mail_from: str
    privacy_url: str = ""
    imprint_url: str = ""

    def call_page(self, clinic_id: int, appointment_id: object) -> str:
        """Return the page where a doctor joins a video visit, once they have signed in."""
        return f"{self.public_url}/staff/{clinic_id}/appointments/{appointment_id}/call"

    @property
    def site(self) -> SiteLinks:
        return SiteLinks(self.public_url, self.privacy_url, self.imprint_url)
