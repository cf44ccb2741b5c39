"""Count the statements that the application sends."""

from appoint.database import pool


class StatementCounter:
    def __init__(self, monkeypatch) -> None:
        self.count = 0
        for sender, method in ((pool.Database, "run"), (pool.Database, "fetch_once"), (pool.Transaction, "run")):
            monkeypatch.setattr(sender, method, self.counting(getattr(sender, method)))

    def counting(self, run):
        async def count(*args, **values):
            self.count += 1
            return await run(*args, **values)

        return count
