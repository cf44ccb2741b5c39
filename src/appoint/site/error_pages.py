"""Show errors to people as pages, and to programs as problem documents."""

import json
from collections.abc import Callable
from typing import Any, Final, TypeVar

from litestar import Response
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import HTTPException

from ..audit.refusals import record_refused_access
from ..http.access import WAS_REFUSED
from ..http.problems import handlers as problem_handlers
from ..http.routes import route_in
from ..kit import errors
from .page_access import address_of
from .rendering import ANY_SITE, NO_FRAMES, NO_STORE, AnyRequest, render

E = TypeVar("E", bound=Exception)


def readable(request: AnyRequest, document: Response[Any]) -> Response[Any]:
    """Return a problem document or, if a person will see the response, a page that shows it."""
    return error_page(request, document) if _wants_page(request) else document


def _wants_page(request: AnyRequest) -> bool:
    """Return whether a person will see the response: the route is a page, or there is no route and the client is a
    browser.
    """
    if "route_handler" in request.scope:
        declared = route_in(request.scope)
        return declared is not None and declared.page
    return "text/html" in request.headers.get("accept", "") and not request.scope["path"].startswith("/api/")


def error_page(request: AnyRequest, document: Response[Any]) -> Response[Any]:
    """Render a problem document as a page. If the request was a form, the page offers to send it again later with the
    same values.
    """
    problem = json.loads(document.content)
    retry_after = int(document.headers.get("Retry-After", 0))
    try:
        page = render(
            request,
            "error_page.html",
            status_code=problem["status"],
            cache_control=NO_STORE,
            frame_ancestors=ANY_SITE if request.scope["path"].startswith("/embed/") else NO_FRAMES,
            problem=problem,
            again=request.method == "GET",
            wait=retry_after,
            address=address_of(request),
            typed=request.scope["state"].get("typed") if retry_after else None,
        )
    except Exception:  # noqa: BLE001  the document is better than a second error
        return document
    page.headers |= {
        name: value for name, value in document.headers.items() if name.lower() in ("retry-after", "allow")
    }
    return page


def _handler(document_of: Callable[[AnyRequest, E], Response[bytes]]) -> Callable[[AnyRequest, E], Response[Any]]:
    """Return an exception handler that responds with an error's problem document, or with its page."""

    def handle(request: AnyRequest, error: E) -> Response[Any]:
        response = readable(request, document_of(request, error))
        if request.scope["state"].get(WAS_REFUSED):
            response.background = BackgroundTask(record_refused_access, request)
        return response

    return handle


EXCEPTION_HANDLERS: Final[dict[int | type[Exception], Callable[..., Response[Any]]]] = {
    errors.AppointError: _handler(problem_handlers.answer_refusal),
    HTTPException: _handler(problem_handlers.answer_http_error),
    Exception: _handler(problem_handlers.answer_bug),
}
