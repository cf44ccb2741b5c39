"""The settings that links need."""

from typing import NamedTuple


class Links(NamedTuple):
    """The settings needed to create links and invitations."""

    public_url: str
    secret: str
    mail_from: str
