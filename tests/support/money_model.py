"""What must hold for a clinic's money, in plain Python: a model of every cent."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class ModelPayment:
    """A payment: the cents that are left of it, in order."""

    method: str
    free: list[int]
    deposit: bool = False
    amount: int = 0

    def __post_init__(self) -> None:
        self.amount = len(self.free)

    @property
    def liability(self) -> str:
        """The account that owes what is left."""
        if self.method in ("credit", "goodwill"):
            return "credit"
        return "deposits" if self.deposit else "receivable"


@dataclass
class ModelInvoice:
    """An issued invoice: the cents that are open, in order."""

    total: int
    open: list[int]
    corrected: int = 0
    account: str = "revenue"


@dataclass
class Piece:
    """Cents of a payment that pay as many cents of an invoice: an allocation."""

    payment: Any
    invoice: Any
    of_payment: list[int]
    of_invoice: list[int]


@dataclass
class Model:
    payments: dict[Any, ModelPayment] = field(default_factory=dict)
    invoices: dict[Any, ModelInvoice] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)
    balances: Counter[str] = field(default_factory=Counter)
    pending: dict[Any, tuple[Any, list[int]]] = field(default_factory=dict)
    """Refunds to cards and open disputes: their payments and cents."""
    failed: set[Any] = field(default_factory=set)
    """Refunds that the provider has refused."""
    coupon_uses: int = 3
    """How many more times the clinic's coupon can be used."""

    def post(self, debit: str, credit: str, amount: int) -> None:
        self.balances[debit] += amount
        self.balances[credit] -= amount

    def allocate(self, payment: Any, invoice: Any, *, most: int | None = None) -> int:
        """Pay as much as possible, or at most `most`, lowest cents first. A gap on either side starts another piece."""
        paying, billed = self.payments[payment], self.invoices[invoice]
        amount = min(len(paying.free), len(billed.open), *([] if most is None else [most]))
        cents = list(zip(paying.free[:amount], billed.open[:amount], strict=True))
        del paying.free[:amount], billed.open[:amount]
        for position, (of_payment, of_invoice) in enumerate(cents):
            if position and cents[position - 1] == (of_payment - 1, of_invoice - 1):
                self.pieces[-1].of_payment.append(of_payment)
                self.pieces[-1].of_invoice.append(of_invoice)
            else:
                self.pieces.append(Piece(payment, invoice, [of_payment], [of_invoice]))
        if paying.liability != "receivable":
            self.post(paying.liability, "receivable", amount)
        return amount

    def undo(self, piece: Piece) -> None:
        self.pieces.remove(piece)
        paying, billed = self.payments[piece.payment], self.invoices[piece.invoice]
        paying.free = sorted(paying.free + piece.of_payment)
        billed.open = sorted(billed.open + piece.of_invoice)
        if paying.liability != "receivable":
            self.post("receivable", paying.liability, len(piece.of_payment))

    def take(self, payment: Any, amount: int) -> list[int]:
        """Take cents out of a payment for a refund."""
        free = self.payments[payment].free
        taken = free[:amount]
        del free[:amount]
        return taken

    def correct(self, invoice: Any, amount: int, note: Any) -> None:
        """Make room for a credit note by undoing the newest allocations, and spend what is left of these again."""
        billed, freed = self.invoices[invoice], list[Any]()
        for piece in [each for each in reversed(self.pieces) if each.invoice == invoice]:
            if len(billed.open) >= amount:
                break
            if self.payments[piece.payment].method != "creditNote":
                self.undo(piece)
                freed.append(piece.payment)
        self.payments[note] = ModelPayment("creditNote", list(range(amount)))
        self.allocate(note, invoice)
        billed.corrected += amount
        self.post(billed.account, "receivable", amount)
        for payment in dict.fromkeys(freed):
            self.allocate(payment, invoice)
