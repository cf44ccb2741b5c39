"""How many statements are sent."""

from appoint.database import pool


class Counter:
    def __init__(self, monkeypatch) -> None:
        self.count = 0
        for door in (pool.Database, pool.Transaction):
            monkeypatch.setattr(door, "run", self.counted(door.run))

    def counted(self, run):
        async def counting(*args):
            self.count += 1
            return await run(*args)

        return counting
