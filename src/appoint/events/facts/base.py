"""What all facts have in common."""

from datetime import datetime
from typing import Annotated

import msgspec

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Fact(msgspec.Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """The `data` of an event."""
