"""Count the statements that the application sends."""

from appoint.database import pool


class StatementCounter:
    def __init__(self, monkeypatch) -> None:
        self.count = 0
        for sender in (pool.Database, pool.Transaction):
            monkeypatch.setattr(sender, "run", self.counting(sender.run))

    def counting(self, run):
        async def count(*args):
            self.count += 1
            return await run(*args)

        return count
