"""Settings for the connections to the database."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class DatabaseSettings(BaseSettings):
    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL 18 or newer, as postgresql://user:password@host/database (with several hosts, "
        "host1,host2/database?target_session_attrs=read-write); "
        "if unset, an embedded server stores its data in the data directory",
    )
    owner_database_url: SecretStr | None = Field(
        default=None,
        description="the same database as its owner, for `appoint migrate`, which then creates the login in "
        "APPOINT_DATABASE_URL; servers and workers must not have it in production",
    )
    database_direct_url: SecretStr | None = Field(
        default=None,
        description="the same database and login without a pooler in transaction mode, for everything that needs a "
        "session: the worker, commands, and listening for changes; if set, APPOINT_DATABASE_URL is the pooler's",
    )
    replica_urls: SecretStr | None = Field(
        default=None,
        description="comma-separated URLs of streaming replicas, each without a pooler; reads that may be two seconds "
        "old go there as long as they keep up",
    )
    prepared: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="whether servers prepare statements for reuse; auto: except behind a pooler; on: also behind "
        "PgBouncer 1.21 or newer with max_prepared_statements",
    )
    target_database_url: SecretStr | None = Field(
        default=None,
        description="the database of another cell, as its owner; `appoint cell move` moves clinics there",
    )
    replication_url: SecretStr | None = Field(
        default=None,
        description="this cell's own database as the PostgreSQL of other cells reaches it, with a login that may "
        "replicate and read all tables, for `appoint cell move`; if unset, its owner's URL",
    )
