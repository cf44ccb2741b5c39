"""The networks from which a clinic's staff have access."""

from typing import Any, ClassVar

from ...kit.allow_lists import Networks
from ...kit.structs import RequestBody


class StaffNetworks(RequestBody):
    """The networks from which staff can use a clinic's data."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"networks": ["203.0.113.0/24", "2001:db8:7::/48"]}

    networks: Networks
    """Networks in CIDR notation, or single addresses. If empty, staff have access from anywhere."""
