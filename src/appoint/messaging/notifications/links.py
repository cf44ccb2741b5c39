"""The settings that links need."""

from typing import NamedTuple

from ..templates.site_links import SiteLinks


class Links(NamedTuple):
    """The settings needed to create links and invitations."""

    public_url: str
    secret: str
    mail_from: str
    privacy_url: str = ""
    imprint_url: str = ""

    @property
    def site(self) -> SiteLinks:
        return SiteLinks(self.public_url, self.privacy_url, self.imprint_url)
