"""Payment links."""

from typing import Annotated

import msgspec

from ...kit.money import Money


class PayLink(msgspec.Struct, frozen=True):
    """A link to the page where anyone can view and pay an invoice without an account."""

    url: Annotated[str, msgspec.Meta(examples=["https://appoint.example/invoices/AAAAAQGXhnCJIQHrBRAz-g.x7Kq"])]
    amount: Money
    """The amount that is left to pay."""
