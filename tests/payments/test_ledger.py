"""The posting rules, and random sequences of everything that moves money, compared with a pure model."""

import asyncio
from collections import Counter
from typing import get_args

from appoint.oversight.invariants import service as invariants
from appoint.payments.ledger.model import RULES, Account
from support.money import Till
from support.money_visits import VisitSteps
from support.scale import scaled

STEPS = 30
"""How many steps each clinic takes, one after another. Clinics run at the same time."""
SEQUENCES = scaled(100_000, 240) // STEPS

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
    "customers owe what is open on invoices, less what is left of their payments or on its way back": """
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
                               where p.clinic_id = c.id and p.method in ('cash', 'terminal', 'transfer', 'card')
                                 and not p.deposit), 0)
                  - coalesce((select sum(r.amount)
                                from refund r
                                join payment p on p.clinic_id = r.clinic_id and p.id = r.payment_id
                               where r.clinic_id = c.id and r.status = 'pending' and not p.deposit), 0)
    """,
    "the clinic owes what is left of credit and deposits, or on its way back": """
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
                  + coalesce((select sum(r.amount)
                                from refund r
                                join payment p on p.clinic_id = r.clinic_id and p.id = r.payment_id
                               where r.clinic_id = c.id and r.status = 'pending' and p.deposit), 0)
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


async def take_steps(till: Till, seed: int) -> None:
    steps = await VisitSteps.begin(till, seed)
    await steps.take(STEPS)
    await steps.check()


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
