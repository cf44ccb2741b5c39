"""/api/clinics/{clinicId}/queue"""

from litestar import Controller, Response, get, patch
from litestar.params import FromPath, JSONBody

from ...http.request import Request
from ...http.responses import json_response
from ...http.routes import route
from ...kit import clock
from . import service
from .line import Queues
from .model import Queue, QueuePatch


class VisitorQueues(Controller):
    """The queue in front of a clinic's booking pages, for when many people want to book at once."""

    path = "/clinics/{clinic_id:int}/queue"
    tags = ["Queue"]

    @get(operation_id="getQueue", opt=route(permission="run-queue"))
    async def show(self, request: Request, clinic_id: FromPath[int]) -> Response[Queue]:
        """Return a clinic's queue, and how many people are waiting."""
        return json_response(request, await service.get(request.db, clinic_id), subjects=[str(clinic_id)])

    @patch(
        operation_id="patchQueue",
        opt=route(permission="run-queue", problems=("clinic-inactive", "queues-off", "queue-open")),
    )
    async def change(self, request: Request, clinic_id: FromPath[int], data: JSONBody[QueuePatch]) -> Response[Queue]:
        """Open or end a clinic's queue, or announce when booking opens. This takes effect on all servers within a
        second.

        While the queue is open, visitors to the booking pages wait until it is their turn, and then have ten minutes to
        choose a time. Requests to the API without a session or key, and those of signed-in patients, wait too: they are
        refused with `in-queue`. The clinic's staff and partner systems never wait.
        """
        queues = request.services.get(Queues)
        queue = await request.db.atomic(
            service.change, request.user, clinic_id=clinic_id, change=data, queues=queues, now=clock.now()
        )
        await queues.refresh()
        return json_response(request, queue)
