"""SQL for setting up a new installation."""

from ...database.pool import Statements


async def has_administrator(db: Statements) -> bool:
    """Return whether there is an administrator, or ever was. Disabled accounts count too, because disabling them must
    not open the installation to strangers."""
    return await db.fetchval("select exists (select from app_user where administrator)")


async def has_clinic(db: Statements) -> bool:
    return await db.fetchval("select exists (select from clinic)")


async def lock(tx: Statements) -> None:
    """Let only one transaction at a time set up the installation."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('setup', 0))")
