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
        appointment["price"] = _in_words(appointment["price"], language)
    for invoice in plain["invoices"]:
        invoice |= {name: _in_words(invoice[name], language) for name in ("total", "paid")}
        invoice["buyer"] = [text for text in invoice["buyer"].values() if text]
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


def _in_words(money: dict[str, Any] | None, language: str) -> str | None:
    """Return an amount as people write it."""
    if money is None:
        return None
    amount = Decimal(money["amount"]).scaleb(-get_currency_precision(money["currency"]))
    return format_currency(amount, money["currency"], locale=locale_of(language))
