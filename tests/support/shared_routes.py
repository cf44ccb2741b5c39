"""Routes that all applications in a process share, because registering them takes most of the time needed to compose an
application.
"""

from copy import copy
from typing import Any, ClassVar

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from appoint.server import app as application


class ApplicationWithSharedRoutes(Litestar):
    """An application that takes over the routes of the first one in this process.

    All applications have the same routes, and registering them takes most of the time needed to compose one.
    """

    first: ClassVar[Litestar | None] = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.first is None:
            type(self).first = self

    def register(self, value: ControllerRouterHandler) -> None:
        if self.first is None:
            super().register(value)
            return
        self.routes = self.first.routes
        self.asgi_router = copy(self.first.asgi_router)
        self.asgi_router.app = self


class RouterWithSharedRoutes(application._SoleRouter):
    """A router that is empty unless it belongs to the first application."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        if ApplicationWithSharedRoutes.first is None:
            super().__init__(*arguments, **options)


def share_routes() -> None:
    """Register routes only once in this process."""
    application.Litestar, application._SoleRouter = ApplicationWithSharedRoutes, RouterWithSharedRoutes
