"""How a revision runs its SQL."""

from typing import Any, cast

from alembic import op
from sqlalchemy.util import await_only


def run(sql: str) -> None:
    """Run a script of any number of statements inside the migration's transaction.

    The driver's own `execute` is used because SQLAlchemy prepares every statement, and only one can be prepared at a
    time.
    """
    connection = cast("Any", op.get_bind().connection).driver_connection
    await_only(connection.execute(sql))
