"""How long manage links last. Bookings and guardianships both need to know."""

from datetime import timedelta
from typing import Final

LINK_TTL: Final = timedelta(days=30)
"""How long after the appointment its link still works."""
