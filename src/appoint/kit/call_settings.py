"""Settings for video visits."""

from pydantic import Field
from pydantic_settings import BaseSettings


class CallSettings(BaseSettings):
    call_requests_per_second: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="rooms that each video provider (Daily, BigBlueButton) makes or ends per second, for all workers "
        "together",
    )
    call_private_addresses: bool = Field(
        default=False,
        description="whether video providers may have private and loopback addresses, and addresses without TLS; for "
        "tests only, never in production",
    )
