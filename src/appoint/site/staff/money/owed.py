"""What a patient and their family owe, and which part of it is to be paid now."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from ....clinics.clinics import service as clinics
from ....customers import service as customers
from ....customers.guardians import service as guardians
from ....customers.model import Patient
from ....http.forms import parse_id
from ....http.request import Request
from ....kit import clock
from ....kit.money import Money
from ....payments.invoices.model import Invoice
from ....payments.payments import spending
from ....payments.payments.model import Payment
from ....payments.payments.spending import InvoiceAmount
from ....payments.totals import service as totals
from ....payments.totals.service import sum_up

PICKED: Final = "picked"
"""The field that tells an unticked box from a page without boxes."""
MAX_PEOPLE: Final = 10
MAX_INVOICES: Final = 50


class Owed(NamedTuple):
    clinic_id: int
    time_zone: str
    patient: Patient
    names: Mapping[UUID, str]
    """The patient's and the others', by id."""
    others: Sequence[UUID]
    """The people whose invoices were added by hand."""
    currency: str
    invoices: Sequence[Invoice]
    """All open invoices in this currency, oldest first."""
    chosen: frozenset[UUID]
    """The invoices to be paid now."""
    elsewhere: Sequence[Money]
    """The sums owed in other currencies."""
    unspent: Sequence[Payment]
    """The patient's payments that have something left."""

    @property
    def open_amounts(self) -> list[InvoiceAmount]:
        """The open amount of each chosen invoice."""
        return [
            InvoiceAmount(invoice.id, invoice.open.amount) for invoice in self.invoices if invoice.id in self.chosen
        ]

    @property
    def total(self) -> Money:
        return Money(sum(each.amount for each in self.open_amounts), self.currency)

    @property
    def available(self) -> Money:
        """The remainder of earlier payments in this currency."""
        free = [payment.free.amount for payment in self.unspent if payment.free.currency == self.currency]
        return Money(sum(free), self.currency)

    @property
    def usable(self) -> Money:
        """How much of it the chosen invoices need."""
        return Money(min(self.available.amount, self.total.amount), self.currency)

    @property
    def others_text(self) -> str:
        return ",".join(str(id) for id in self.others)


async def load_owed(request: Request, clinic_id: int, patient_id: UUID, query: Mapping[str, str]) -> Owed:
    """Return what is owed by a patient, the people they book for, and the people added by `also`. Raise `NotFound` for
    an unknown patient. By default, the invoices to be paid are the patient's own and those of the added people."""
    clinic, now = await clinics.get(request.db, clinic_id), clock.now()
    patient = await customers.get_patient(request.db, clinic_id, patient_id)
    others = [id for text in query.get("also", "").split(",")[:MAX_PEOPLE] if (id := parse_id(text))]
    others = [id for id in dict.fromkeys(others) if id != patient.id]
    wards = await guardians.list_wards(
        request.services.db.across(), guardian_id=patient.id, clinic_id=clinic_id, now=now
    )
    people = [patient.id, *others, *(ward.ward_id for ward in wards)]
    names = await customers.load_patient_names(request.db, clinic_id, people)
    today = clock.local_date(now, clinic.time_zone)
    open_invoices: list[Invoice] = []
    for customer_id in dict.fromkeys(people):
        if customer_id in names:
            open_invoices += await totals.list_invoices(
                request.db, clinic_id=clinic_id, customer_id=customer_id, status="open", today=today, limit=MAX_INVOICES
            )
    open_invoices.sort(key=lambda invoice: invoice.id)
    owed = sum_up(invoice.open for invoice in open_invoices)
    currency = _currency(query.get("currency", ""), clinic.currency, owed)
    payable = [invoice for invoice in open_invoices if invoice.open.currency == currency][:MAX_INVOICES]
    ticked = {invoice.id for invoice in payable if f"pay-{invoice.id}" in query}
    by_default = {invoice.id for invoice in payable if invoice.customer_id in (patient.id, *others)}
    return Owed(
        clinic_id=clinic_id,
        time_zone=clinic.time_zone,
        patient=patient,
        names=names,
        others=[id for id in others if id in names],
        currency=currency,
        invoices=payable,
        chosen=frozenset(ticked if PICKED in query else by_default),
        elsewhere=[money for money in owed if money.currency != currency],
        unspent=await spending.list_unspent(request.db, clinic_id=clinic_id, customer_id=patient.id),
    )


def _currency(preferred: str, usual: str, owed: Sequence[Money]) -> str:
    """Return the preferred currency or, if the patient owes nothing in it, the usual one or any other."""
    owing = [money.currency for money in owed]
    return preferred if preferred in owing else usual if usual in owing or not owing else owing[0]
