"""Who asks."""

import msgspec


class Caller(msgspec.Struct, frozen=True):
    """`key` tells callers apart, for repeated requests; it names nobody."""

    key: str
    administrator: bool = False


SYSTEM = Caller("system", administrator=True)
"""The worker, and the command line."""
