"""Settings for an installation that is one of several cells."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class CellSettings(BaseSettings):
    cell: str = Field(
        default="",
        pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$",
        max_length=40,
        description="this cell's name, as in `appoint cell add`; if unset, the installation serves all clinics itself",
    )
    cell_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="key that signs requests between cells; the same in all of them; required with APPOINT_CELL",
    )
    cell_seconds: float = Field(
        default=5,
        gt=0,
        le=30,
        description="how long a request may wait for another cell before it fails with 503",
    )
