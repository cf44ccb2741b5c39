"""Settings for the audit log."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class AuditSettings(BaseSettings):
    audit_years: int = Field(
        default=10, ge=1, le=100, description="how long audit entries are kept; old ones are deleted every night"
    )
    audit_export_dir: Path | None = Field(
        default=None,
        description="directory, ideally on another machine, to which the audit log's signed heads are exported every "
        "night, and with which `appoint audit verify` compares the log; if unset, they are not exported",
    )
    audit_export_email: str = Field(
        default="",
        description="email address to which the heads are also sent every night; if unset, they are not emailed",
    )
    audit_export_url: SecretStr | None = Field(
        default=None,
        description="https address to which the heads are also posted every night as JSON Lines; user:password@ in it "
        "becomes basic authorization; if unset, they are not posted",
    )
