"""The posting rules, and random sequences of everything that moves money, compared with a pure model."""

import asyncio
import random
from collections import Counter
from typing import get_args

from appoint.oversight.invariants import service as invariants
from appoint.payments.ledger.model import RULES, Account
from support.money import Till, reason
from support.scale import scaled

SEQUENCES = scaled(100_000, 60) // 20
STEPS = 20
"""How many steps each clinic takes, one after another. Clinics run at the same time."""

INVARIANTS = {
    "an allocation has as many cents on both sides": """
        select count(*) from allocation
         where undone_at is null
           and (upper(of_payment) - lower(of_payment), upper(of_target) - lower(of_target)) <> (amount, amount)
    """,
    "no payment is spent beyond its amount": """
        select count(*) from shown_payment where free < 0
    """,
    "no invoice is paid beyond its total": """
        select count(*) from shown_invoice where paid > total
    """,
    "lines add up": """
        select count(*) from invoice i
         where total <> (select coalesce(sum(gross), 0) from invoice_line l
                          where l.clinic_id = i.clinic_id and l.invoice_id = i.id)
    """,
    "numbers have no gaps": """
        select count(*) from (select max(number) <> count(*) as gap from document_number group by clinic_id, series)
         where gap
    """,
    "customers owe what is open on invoices, less what is left of their payments": """
        with side as (
          select clinic_id, debit as name, amount from transfer
           union all
          select clinic_id, credit, -amount from transfer
        )
        select count(*) from clinic c
         where coalesce((select sum(amount) from side s where s.clinic_id = c.id and s.name = 'receivable'), 0)
               <> coalesce((select sum(total - paid) from shown_invoice i
                             where i.clinic_id = c.id and i.kind = 'invoice' and i.status = 'issued'), 0)
                  - coalesce((select sum(free) from shown_payment p
                               where p.clinic_id = c.id and p.method in ('cash', 'terminal') and not p.deposit), 0)
    """,
    "the clinic owes what is left of credit and deposits": """
        with side as (
          select clinic_id, debit as name, amount from transfer
           union all
          select clinic_id, credit, -amount from transfer
        )
        select count(*) from clinic c
         where -coalesce((select sum(amount) from side s
                           where s.clinic_id = c.id and s.name in ('credit', 'deposits')), 0)
               <> coalesce((select sum(free) from shown_payment p
                             where p.clinic_id = c.id and (p.method in ('credit', 'goodwill') or p.deposit)), 0)
    """,
}


def test_every_account_occurs_in_the_rules_except_for_rounding():
    used = {account for rule in RULES.values() for account in rule}
    assert used == set(get_args(Account)) - {"rounding"}


def test_the_posting_rules_are_these():
    assert {name: (rule.debit, rule.credit) for name, rule in RULES.items() if "-" not in name} == {
        "goodwill": ("discounts", "credit"),
        "authorisation": ("gateway", "deposits"),
        "payout": ("bank", "gateway"),
    }
    assert {rule for name, rule in RULES.items() if name.startswith("invoice-")} == {
        ("receivable", "revenue"),
        ("receivable", "fees"),
        ("receivable", "tax"),
    }
    for name, (debit, credit) in RULES.items():
        if name.startswith(("paid-", "deposit-", "unpaid-", "undeposit-")) and name not in (
            "deposit-applied",
            "deposit-released",
        ):
            asset = name.partition("-")[2]
            liability = "deposits" if "deposit" in name else "receivable"
            assert (debit, credit) == ((liability, asset) if name.startswith("un") else (asset, liability))
        elif name.startswith("refund-"):
            assert (debit, credit) == tuple(name.split("-")[1:])


class Model:
    """What should be true of a clinic's money, without a database."""

    def __init__(self) -> None:
        self.open: dict = {}
        self.free: dict = {}
        self.credit: set = set()
        self.allocations: dict = {}

    def allocate(self, payment, invoice) -> int:
        amount = min(self.free[payment], self.open[invoice])
        self.free[payment] -= amount
        self.open[invoice] -= amount
        return amount


async def step(till: Till, model: Model, rng: random.Random) -> None:
    """Take a random step in the product and in the model, and check that both refuse it or neither does."""
    match rng.choice(["invoice", "pay", "allocate", "allocate", "undo", "refund", "goodwill"]):
        case "invoice":
            invoice = await till.issue(*(rng.randrange(0, 5000) for _ in range(rng.randint(1, 3))))
            model.open[invoice.id] = invoice.total.amount
        case "pay":
            amount = rng.randint(1, 6000)
            payment = await till.pay(amount, method=rng.choice(["cash", "terminal"]), deposit=rng.random() < 0.2)
            model.free[payment.id] = amount
        case "goodwill":
            payment = await till.pay(rng.randint(1, 500), method="goodwill")
            model.free[payment.id] = payment.amount.amount
            model.credit.add(payment.id)
        case "allocate" if model.free and model.open:
            payment, invoice = rng.choice(list(model.free)), rng.choice(list(model.open))
            outcome = await reason(till.allocate(payment, invoice))
            paid = model.allocate(payment, invoice)
            assert outcome == ("accepted" if paid else "not-enough")
        case "undo" if model.free:
            payment = rng.choice(list(model.free))
            live = [a for a in (await till.payment(payment)).allocations if not a.undone_at and a.invoice_id]
            if live:
                await till.undo(live[0].id)
                model.free[payment] += live[0].amount
                model.open[live[0].invoice_id] += live[0].amount
        case "refund" if model.free:
            payment, amount = rng.choice(list(model.free)), rng.randint(1, 3000)
            to = rng.choice(["credit", "method"])
            possible = amount <= model.free[payment] and payment not in model.credit
            outcome = await reason(till.refund(payment, to, amount))
            assert outcome == ("accepted" if possible else "refund-too-large")
            if possible:
                model.free[payment] -= amount
                if to == "credit":
                    known = await till.db.fetch("select id from payment where clinic_id = $1", till.clinic)
                    (credit,) = {row.id for row in known} - set(model.free)
                    model.free[credit] = amount
                    model.credit.add(credit)
        case _:
            pass


async def take_steps(till: Till, seed: int) -> None:
    rng, model = random.Random(seed), Model()
    for _ in range(STEPS):
        await step(till, model, rng)
    assert {id: (await till.invoice(id)).open.amount for id in model.open} == model.open
    assert {id: (await till.payment(id)).free.amount for id in model.free} == model.free


async def test_random_sequences_agree_with_the_model_and_keep_every_invariant(db, many_connections):
    seeds = Counter[str]()
    for start in range(0, SEQUENCES, 16):
        tills = [await Till.make(db) for _ in range(min(16, SEQUENCES - start))]
        await asyncio.gather(*(take_steps(till, start + offset) for offset, till in enumerate(tills)))
    for name, sql in INVARIANTS.items():
        seeds[name] = await db.fetchval(sql)
    assert seeds == dict.fromkeys(INVARIANTS, 0)
    reports = [report async for report in invariants.check(db, clinic_ids=await invariants.list_clinics(db))]
    assert [violation for report in reports for violation in report.violations] == []
