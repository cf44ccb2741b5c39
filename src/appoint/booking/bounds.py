"""Limits on how much of a clinic's time strangers can take. Strangers are callers who neither act for the clinic nor
are signed in. Patients who have only just registered have the same limits, because anyone with a mailbox can sign in.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ..http.rate_limits.networks import network_digest, networks_of
from ..settings import Settings

WINDOW: Final = timedelta(hours=24)
"""How long an appointment counts against the networks and the address that it was booked from."""

ORIGIN_TTL: Final = timedelta(days=30)
"""How long Appoint stores which network a stranger booked from, so that staff can find everything booked from there."""

NEWCOMER_PERIOD: Final = timedelta(days=30)
"""How long after registration the limits also apply to signed-in patients. They no longer apply after a patient's first
visit to the clinic."""


class StrangerOrigin(NamedTuple):
    """Where a stranger's request comes from, and how much time can be taken from there. Matches the database type with
    the same name.

    A network is identified by its digest.
    """

    networks: Sequence[bytes]
    """The networks that contain the caller's address, narrowest first."""
    minutes_per_network: Sequence[int]
    """The most that each network can take within the window."""
    minutes_per_address: int
    """The most that can be taken for one email address or phone number within the window."""
    clinic_percent: int | None
    """The share of the clinic's published time in the next 14 days that strangers without a confirmed address can
    occupy together; None if this stranger's address is confirmed."""
    counted_since: datetime
    """When the window starts."""

    @classmethod
    def of(
        cls, address: str | None, settings: Settings, *, secret: str, clinic_id: int, now: datetime
    ) -> "StrangerOrigin":
        """Return the origin of a request from a network address, with the limits from the settings."""
        networks = networks_of(address)
        return cls(
            [network_digest(secret, clinic_id, network) for network in networks],
            [settings.stranger_minutes_per_network * network.shared_by for network in networks],
            settings.stranger_minutes_per_address,
            settings.stranger_share_percent,
            now - WINDOW,
        )
