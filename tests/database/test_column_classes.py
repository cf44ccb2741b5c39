"""Every column that can contain text has a class, so nobody adds one without deciding whether to encrypt it.

- public: anyone can see it
- internal: about the installation or a clinic rather than a person, or a digest
- personal: about a person; protected by roles, row-level security, and the encryption of disks and backups
- encrypted: under the key ring
"""

from appoint.database.encryption import repository

CLASSES = {
    "public": """
        clinic: name slug time_zone locale currency phone email address doctor_choice confirm_address
          queue profile logo_hash photo_hash
        call_settings: phone
        cell: name url
        clinic_home: slug
        doctor: name specialty title languages specialties patients portrait_hash
        appointment_type: name description mode price_currency patients preparation
        image: hash content
        seller: name address vat_id tax_number registration account_holder iban bic
        payment_policy: invoices_at refund_to tax_category tax_reason fee_tax_category series
        audit_head: public_key signature hash
        audit_start: public_key signature hash
    """,
    "internal": """
        account: name currency
        clinic_move: clinic
        appointment_bill: settled_as currency refund_to
        allocation: currency
        coupon: code active_code description
        document_number: series
        gateway_event: gateway event_id type
        invoice: kind status currency language occasion series
        invoice_line: invoice_status tax_category tax_reason
        invoice_pdf: invoice_status hash
        receipt: hash
        number_series: series
        payment: method status currency series gateway gateway_session_id gateway_payment_id gateway_url
        refund: currency destination status gateway_refund_id
        transfer: stage rule debit credit currency reference
        address_change: channel
        admin_token: name secret_hash
        api_key: name scopes secret_hash old_secret_hash networks
        appointment: status price_currency idempotency_caller idempotency_key request_digest overridden cancel_cause
          undo_status rebook_by
        appointment_step: status overridden rebook_by
        audit_entry: action hash
        audit_unsealed: action
        booking_slot: source
        call: state gateway error
        call_settings: gateway recording
        recording: gateway provider_id state error sha256
        recording_consent: language
        call_token: gateway
        broker_message: type subject_id body fault
        clinic: staff_networks
        clinic_setup_step: step
        visitor_queue: opened_by
        dev_message: token channel
        dev_payment_object: id kind content delivery
        dev_payment_request: key digest answer
        dev_payment_delivery: event
        payment_drift: kind gateway_id
        event: type subject_id data traceparent fault
        event_log: type subject_id data traceparent
        invariant_violation: invariant
        job_run: name reason
        membership: role
        message_template: kind channel locale subject text
        notification: message_key kind subject_id recipient recipient_id channel status provider_id reason
        notification_preference: channel
        patient_correction: detail
        openid_attempt: state_hash
        request_key: caller key digest answer
        schema_migration: name revision
        send_token: channel
        passkey: credential_id public_key
        recovery_code: digest
        session: token_hash
        used_challenge: digest
        sign_in_code: channel locale
        stranger_appointment: networks
        time_slot: name
        user_identity: issuer subject_hash
        webhook: url description event_types
        webhook_delivery: event_type subject_id status reason
        worker_heartbeat: worker
    """,
    "personal": """
        allocation: actor
        invoice: note buyer seller due_on
        invoice_line: description supplied_on
        invoice_pdf: content
        receipt: document content
        payment: reason
        refund: reason
        address_change: old_address
        app_user: name email active_email locale region password_hash
        audit_entry: actor subjects address request_id reason
        audit_unsealed: actor subjects address request_id reason
        call_guest: name
        recording_consent: given_by
        customer: name email phone locale region time_zone birth_date postal_address words
        dev_message: recipient subject text html calendar
        doctor: email
        emergency_access: reviewer
        guardianship: ends_on
        membership: name
        passkey: name
        patient: record_number corrected_name corrected_email corrected_phone corrected_locale corrected_birth_date
                 corrected_postal_address
        patient_correction: actor old_value new_value
        sign_in_code: new_address
        session: device address
    """,
    "encrypted": """
        absence: reason
        app_user: totp_secret
        appointment: notes staff_notes cancel_reason override_reason
        appointment_step: override_reason
        call_settings: connection
        recording: key
        emergency_access: reason
        patient: notes
        webhook: secret old_secret
    """,
}
TEXT_TYPES = ["text", "text[]", "jsonb", "json", "bytea", "bytea[]", "character varying", "date"]
DATES_WITHOUT_PEOPLE = {("booking_slot", "date"), ("doctor_day", "date")}


def classified() -> dict[tuple[str, str], str]:
    """Return the class of each column. Listing a column in two classes is a mistake."""
    classes: dict[tuple[str, str], str] = {}
    for name, tables in CLASSES.items():
        table = ""
        for word in tables.split():
            if word.endswith(":"):
                table = word.removesuffix(":")
                continue
            assert (table, word) not in classes, (table, word)
            classes[table, word] = name
    return classes


async def test_every_text_column_has_a_class(db):
    rows = await db.fetch(
        """
        select c.relname as table, a.attname as column
          from pg_attribute a
          join pg_class c on c.oid = a.attrelid
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0
           and not a.attisdropped and format_type(a.atttypid, null) = any($1)
        """,
        TEXT_TYPES,
    )
    columns = {(row.table, row.column) for row in rows} - DATES_WITHOUT_PEOPLE
    assert columns - classified().keys() == set(), "decide on their classes"
    assert classified().keys() - columns == set(), "these no longer exist"


def test_the_encrypted_columns_are_those_that_a_pass_encrypts():
    encrypted = {".".join(column) for column, name in classified().items() if name == "encrypted"}
    assert {column.name for column in repository.COLUMNS} == encrypted
