import asyncio, time, faulthandler, sys
from conftest import ADMIN
from rows import *
async def test_x(client, db, database_url):
    await clinic(client)
    id, ana = await doctor(client), await customer(client)
    await publish(db, id, later(24), later(32))
    async with db.connection() as connection:
        booking = connection.transaction()
        await booking.start()
        await book(connection, id, ana, later(28), later(29))
        faulthandler.dump_traceback_later(4, file=sys.__stderr__)
        removal = asyncio.create_task(client.delete(f"/api/doctors/{id}", headers=ADMIN))
        await asyncio.sleep(1)
        await booking.commit()
    print((await removal).json())
