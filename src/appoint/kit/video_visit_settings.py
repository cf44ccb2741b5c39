"""Settings for video visits and their recordings."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class VideoVisitSettings(BaseSettings):
    blob_url: SecretStr | None = Field(
        default=None,
        description="where recordings are stored, encrypted: s3://bucket/folder, gs://…, az://… or file:///…; the "
        "cloud's own variables, such as AWS_ACCESS_KEY_ID, grant access; if unset, in the data directory",
    )
    call_requests_per_second: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="rooms that each video provider (Daily, BigBlueButton) makes or ends per second, for all workers "
        "together",
    )
    call_private_addresses: bool = Field(
        default=False,
        description="whether video providers may have private and loopback addresses; for tests only, never in "
        "production",
    )
