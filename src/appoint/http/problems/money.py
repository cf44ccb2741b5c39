"""Problems with invoices, payments and coupons."""

from typing import Final

from ...kit.i18n import translatable as _
from .documents import Problem

MONEY: Final[dict[str, Problem]] = {
    "invoice-issued": Problem(
        409,
        _("Invoice already issued"),
        _("An issued invoice cannot be changed, deleted or issued again."),
        _("Correct it with a credit note."),
    ),
    "invoice-draft": Problem(
        409, _("Invoice not issued yet"), _("This invoice is still a draft."), _("Issue it first.")
    ),
    "invoice-paid": Problem(
        409,
        _("Invoice already paid"),
        _("Nothing is left to pay on this invoice."),
        _("Reload the invoice to see its payments."),
    ),
    "no-email-address": Problem(
        409,
        _("No email address"),
        _("The patient has no email address."),
        _("Add one to the patient’s details, or print the document."),
    ),
    "landline-only": Problem(
        409,
        _("Only a landline number"),
        _("The patient has no email address, and their phone number is not a mobile number that text messages reach."),
        _("Add an email address or a mobile number to the patient’s details, or print the document."),
    ),
    "not-enough": Problem(
        409,
        _("Amount too high"),
        _("The amount is more than is left of the payment, or more than is still due on the invoice."),
        _("Check how much is left, and enter a smaller amount."),
    ),
    "refund-too-large": Problem(
        409,
        _("Refund not possible"),
        _("The amount is more than is left of this payment, or the payment cannot be refunded this way."),
        _("Undo an allocation first, or enter a smaller amount."),
    ),
    "currency-differs": Problem(
        409, _("Different currencies"), _("The amounts are in different currencies."), _("Use the same currency.")
    ),
    "coupon-not-valid": Problem(
        409,
        _("Coupon not valid"),
        _("No coupon has this code, or it is not valid for this time, appointment type or patient."),
        _("Check the code, or continue without a coupon."),
    ),
    "coupon-spent": Problem(
        409,
        _("Coupon used up"),
        _("This coupon has reached its maximum number of uses."),
        _("Continue without it."),
    ),
    "coupon-without-price": Problem(
        409,
        _("Nothing to take off"),
        _("This appointment is free or has no fixed price, so a coupon cannot be used for it."),
        _("Continue without it."),
    ),
    "coupon-code-taken": Problem(
        409,
        _("Code already in use"),
        _("Another coupon has this code."),
        _("Choose a different code."),
    ),
}
