"""Where PgQueuer keeps its jobs: tables in a schema of their own, made by our migrations."""

from typing import Any

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.domain.settings import DBSettings
from pgqueuer.queries import Queries
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource


class _Names(DBSettings):
    """The library would read them from the environment too, from variables as common as CHANNEL; but the migration has
    fixed them."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- the library's signature
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


NAMES = _Names(db_schema="jobs")


def queries(connection: Any) -> Queries:
    """PgQueuer's statements on an asyncpg connection."""
    return Queries(
        AsyncpgDriver(connection),
        QueryBuilderEnvironment(NAMES),
        QueryQueueBuilder(NAMES),
        QuerySchedulerBuilder(NAMES),
    )
