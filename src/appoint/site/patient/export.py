"""A customer's data export, as a page."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from babel.numbers import format_currency, get_currency_precision
from litestar import MediaType, Response

from ...http.etags import digest
from ...http.languages import language_tag_for
from ...http.request import Request
from ...http.responses import Disclosure
from ...kit.regions import locale_of
from ...messaging.notifications.kinds import kind_of
from ...oversight.privacy.model import Export
from ..rendering import NO_STORE, render


def export_page(request: Request, export: Export) -> Response[Any]:
    language = language_tag_for(request)
    plain = msgspec.to_builtins(export, builtin_types=(datetime,))
    for appointment in plain["appointments"]:
        if price := appointment["price"]:
            digits = get_currency_precision(price["currency"])
            appointment["price"] = format_currency(
                Decimal(price["amount"]).scaleb(-digits), price["currency"], locale=locale_of(language)
            )
    html = render(
        request, "patient/export.html", language=language, cache_control=NO_STORE, export=plain, kind_of=kind_of
    )
    headers = {
        "Content-Language": html.headers["Content-Language"],
        "Vary": "Accept, Accept-Language, Cookie",
        "Cache-Control": NO_STORE,
        "Content-Security-Policy": html.headers["Content-Security-Policy"],
        "ETag": digest(html.content.encode()),
    }
    return Disclosure(request, html.content, subjects=[export.customer.id], media_type=MediaType.HTML, headers=headers)
