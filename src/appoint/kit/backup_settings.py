"""Settings for backups."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class BackupSettings(BaseSettings):
    backup_url: SecretStr | None = Field(
        default=None,
        description="where the worker continuously stores encrypted backups: s3://bucket/folder, gs://…, az://… or a "
        "folder, ideally on another machine; the cloud's own variables, such as AWS_ACCESS_KEY_ID, grant access; if "
        "unset, nothing is backed up",
    )
    backup_keys: SecretStr | None = Field(
        default=None,
        description="keys that encrypt backups, as NAME:KEY from `appoint encryption new-key`, separated by commas: "
        "the first encrypts, all of them decrypt; without the key, a backup is lost, so keep a copy elsewhere",
    )
    backup_database_url: SecretStr | None = Field(
        default=None,
        description="the database server with a login that can replicate, for backups; the embedded server has one",
    )
    backup_seconds: float = Field(
        default=30,
        ge=1,
        le=3600,
        description="the longest time in seconds before a change is backed up",
    )
    backup_days: int = Field(
        default=30, ge=1, le=3650, description="how far back every moment can be restored, in days"
    )
    backup_check_days: int = Field(
        default=7,
        ge=1,
        le=365,
        description="the number of days between checks that restore the backups to a temporary directory",
    )
