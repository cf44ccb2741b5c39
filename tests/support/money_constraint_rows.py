"""Valid rows for the constraints on money.

Ana owes Lakeside 100 euros for a check-up. She has paid 70 in cash, of which 50 pay the invoice and 5 became credit. A
credit note takes 10 off the invoice.
"""

from functools import partial

from support.constraint_rows import ANA, BOOKED, CHECK_UP, NEW_ID, id_of, insert

INVOICE, DRAFT, CREDIT_NOTE = (id_of(1, number) for number in range(200, 203))
CASH, CARD, CREDIT, CORRECTION = (id_of(1, number) for number in range(210, 214))
REFUND, PAID, REFUNDED, UNDONE = (id_of(1, number) for number in range(220, 224))
COUPON, COUPON_USE, POLICY = (id_of(1, number) for number in range(230, 233))
REVENUE, AUTHORISATION, CAPTURE = (id_of(1, number) for number in range(240, 243))

MONEY_ROWS = f"""
insert into payment_policy (clinic_id, id, appointment_type_id)
  values (1, '{POLICY}', null);
insert into cancellation_rule values (1, '{POLICY}', 1440, 50);
insert into number_series values (1, '2027'), (1, 'CN-2027'), (1, 'R-2027');
insert into coupon (clinic_id, id, code, percent, max_uses, max_uses_per_customer)
  values (1, '{COUPON}', 'SPRING', 10, 10, 5);
insert into coupon_type values (1, '{COUPON}', '{CHECK_UP}');
insert into coupon_use (clinic_id, id, coupon_id, customer_id, appointment_id, use, customer_use)
  values (1, '{COUPON_USE}', '{COUPON}', '{ANA}', '{BOOKED}', 0, 0);
insert into invoice (clinic_id, id, customer_id, currency, total, language, appointment_id, occasion)
  values (1, '{INVOICE}', '{ANA}', 'EUR', 10000, 'en', '{BOOKED}', 'visit'),
         (1, '{DRAFT}', '{ANA}', 'EUR', 2000, 'en', null, null);
insert into invoice (clinic_id, id, kind, corrects_id, customer_id, currency, total, language)
  values (1, '{CREDIT_NOTE}', 'creditNote', '{INVOICE}', '{ANA}', 'EUR', 1000, 'en');
insert into invoice_line (clinic_id, invoice_id, position, description, unit_amount, includes_tax, tax_category,
                          tax_rate, net, tax, gross, first_cent)
  values (1, '{INVOICE}', 1, 'Check-up', 6000, true, 'E', 0, 6000, 0, 6000, 0),
         (1, '{INVOICE}', 2, 'Report', 4000, true, 'S', 1900, 3361, 639, 4000, 6000),
         (1, '{DRAFT}', 1, 'Massage', 2000, true, 'E', 0, 2000, 0, 2000, 0),
         (1, '{CREDIT_NOTE}', 1, 'Discount', 1000, true, 'E', 0, 1000, 0, 1000, 0);
insert into document_number (clinic_id, series, number, invoice_id)
  values (1, '2027', 1, '{INVOICE}'), (1, 'CN-2027', 1, '{CREDIT_NOTE}');
update invoice
   set status = 'issued', series = case kind when 'invoice' then '2027' else 'CN-2027' end, number = 1,
       issued_at = now(), buyer = '{{}}', seller = '{{}}'
 where status = 'draft' and id <> '{DRAFT}';
insert into payment (clinic_id, id, method, status, customer_id, currency, amount, succeeded_at)
  values (1, '{CASH}', 'cash', 'succeeded', '{ANA}', 'EUR', 7000, now());
insert into document_number (clinic_id, series, number, payment_id) values (1, 'R-2027', 1, '{CASH}');
update payment set series = 'R-2027', number = 1 where id = '{CASH}';
insert into payment (clinic_id, id, method, status, customer_id, currency, amount, gateway, gateway_session_id,
                     gateway_payment_id)
  values (1, '{CARD}', 'card', 'pending', '{ANA}', 'EUR', 3000, 'stripe', 'cs_1', 'pi_1');
insert into payment (clinic_id, id, method, status, customer_id, currency, amount, succeeded_at, credit_note_id)
  values (1, '{CORRECTION}', 'creditNote', 'succeeded', '{ANA}', 'EUR', 1000, now(), '{CREDIT_NOTE}');
insert into refund (clinic_id, id, payment_id, currency, amount, destination, status, gateway_refund_id)
  values (1, '{REFUND}', '{CASH}', 'EUR', 500, 'credit', 'succeeded', 're_1');
insert into payment (clinic_id, id, method, status, customer_id, currency, amount, succeeded_at, refund_id)
  values (1, '{CREDIT}', 'credit', 'succeeded', '{ANA}', 'EUR', 500, now(), '{REFUND}');
insert into allocation (clinic_id, id, actor, payment_id, invoice_id, refund_id, currency, amount, of_payment,
                        of_target)
  values (1, '{PAID}', 'user:mia', '{CASH}', '{INVOICE}', null, 'EUR', 5000, '[0,5000)', '[0,5000)'),
         (1, '{REFUNDED}', 'user:mia', '{CASH}', null, '{REFUND}', 'EUR', 500, '[5000,5500)', '[0,500)');
insert into allocation (clinic_id, id, actor, payment_id, invoice_id, currency, amount, undone_at)
  values (1, '{UNDONE}', 'user:mia', '{CASH}', '{INVOICE}', 'EUR', 100, now());
insert into account values (1, 'receivable', 'EUR'), (1, 'revenue', 'EUR'), (1, 'gateway', 'EUR'),
                           (1, 'deposits', 'EUR'), (1, 'receivable', 'GBP');
insert into transfer (clinic_id, id, rule, debit, credit, currency, amount, invoice_id)
  values (1, '{REVENUE}', 'invoice-net', 'receivable', 'revenue', 'EUR', 9361, '{INVOICE}');
insert into transfer (clinic_id, id, stage, rule, debit, credit, currency, amount, payment_id, resolves_id)
  values (1, '{AUTHORISATION}', 'pending', 'authorisation', 'gateway', 'deposits', 'EUR', 3000, '{CARD}', null),
         (1, '{CAPTURE}', 'posted', 'authorisation', 'gateway', 'deposits', 'EUR', 3000, '{CARD}', '{AUTHORISATION}');
insert into gateway_event (gateway, event_id, type) values ('stripe', 'evt_1', 'charge.refunded');
insert into invoice_pdf (clinic_id, invoice_id, hash, content)
  values (1, '{CREDIT_NOTE}', encode(sha256('%PDF'), 'hex'), '%PDF');
insert into pay_link (clinic_id, invoice_id, number) values (1, '{INVOICE}', 2);
insert into seller (clinic_id, name) values (1, 'Lakeside GmbH');
insert into receipt (clinic_id, payment_id, document, hash, content)
  values (1, '{CASH}', '{{}}', encode(sha256('%PDF'), 'hex'), '%PDF');
insert into appointment_bill (clinic_id, appointment_id) values (1, '{BOOKED}');
"""

# Valid rows. Each case changes one thing about one of them.
payment_policy = partial(insert, "payment_policy", clinic_id=1, id=NEW_ID, appointment_type_id=CHECK_UP)
cancellation_rule = partial(
    insert, "cancellation_rule", clinic_id=1, policy_id=POLICY, before_minutes=60, keep_percent=100
)
number_series = partial(insert, "number_series", clinic_id=1, series="2028")
invoice = partial(insert, "invoice", clinic_id=1, id=NEW_ID, customer_id=ANA, currency="EUR", language="en")
issued_invoice = partial(
    invoice, status="issued", series="2027", number=1, issued_at="2027-03-01", buyer="{}", seller="{}"
)
invoice_line = partial(
    insert,
    "invoice_line",
    clinic_id=1,
    invoice_id=DRAFT,
    position=2,
    description="Report",
    unit_amount=100,
    includes_tax=True,
    tax_category="E",
    tax_rate=0,
    net=100,
    tax=0,
    gross=100,
    first_cent=2000,
)
invoice_pdf = partial(insert, "invoice_pdf", clinic_id=1, invoice_id=INVOICE)
receipt = partial(insert, "receipt", clinic_id=1, payment_id=CREDIT)
pay_link = partial(insert, "pay_link", clinic_id=1, invoice_id=CREDIT_NOTE, number=2)
seller = partial(insert, "seller", clinic_id=2)
coupon = partial(insert, "coupon", clinic_id=1, id=NEW_ID, code="AUTUMN", percent=5)
coupon_type = partial(insert, "coupon_type", clinic_id=1, coupon_id=COUPON, appointment_type_id=CHECK_UP)
coupon_use = partial(
    insert, "coupon_use", clinic_id=1, id=NEW_ID, coupon_id=COUPON, customer_id=ANA, use=1, customer_use=1
)
payment = partial(
    insert,
    "payment",
    clinic_id=1,
    id=NEW_ID,
    method="card",
    status="pending",
    customer_id=ANA,
    currency="EUR",
    amount=1000,
)
refund = partial(
    insert,
    "refund",
    clinic_id=1,
    id=NEW_ID,
    payment_id=CASH,
    currency="EUR",
    amount=100,
    destination="method",
    status="failed",
)
allocation = partial(
    insert,
    "allocation",
    clinic_id=1,
    id=NEW_ID,
    actor="user:mia",
    payment_id=CASH,
    invoice_id=INVOICE,
    currency="EUR",
    amount=1000,
    of_payment="[6000,7000)",
    of_target="[5000,6000)",
)
document_number = partial(insert, "document_number", clinic_id=1, series="2027", number=2, invoice_id=DRAFT)
account = partial(insert, "account", clinic_id=1, name="cash", currency="EUR")
transfer = partial(
    insert,
    "transfer",
    clinic_id=1,
    id=NEW_ID,
    rule="invoice-tax",
    debit="receivable",
    credit="revenue",
    currency="EUR",
    amount=639,
    invoice_id=INVOICE,
)
gateway_event = partial(insert, "gateway_event", gateway="stripe", event_id="evt_2", type="charge.refunded")
