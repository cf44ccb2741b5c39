-- What the migrations make. Written by `appoint schema`; do not edit.

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

CREATE TYPE public.appointment_candidate AS (
	turn smallint,
	doctor_id uuid,
	version integer
);

CREATE TYPE public.audit_actor AS (
	key text,
	action text,
	address text,
	request_id text,
	reason text
);

CREATE TYPE public.booking_limits AS (
	appointments integer,
	holds integer
);

CREATE TYPE public.idempotency AS (
	caller text,
	key text,
	digest bytea
);

CREATE TYPE public.requested_appointment AS (
	turn smallint,
	"position" smallint,
	id uuid,
	doctor_id uuid,
	customer_id uuid,
	appointment_type_id uuid,
	starts_at timestamp with time zone,
	ends_at timestamp with time zone,
	claimed_from timestamp with time zone,
	claimed_until timestamp with time zone,
	status text,
	hold_expires_at timestamp with time zone,
	price_amount integer,
	price_currency text,
	notes text,
	overrides text[]
);

CREATE TYPE public.versioned_id AS (
	id uuid,
	version integer
);

CREATE FUNCTION public.appointment_event_data(booking_id uuid, doctor_id uuid, customer_id uuid, during tstzrange, sequence integer, more jsonb DEFAULT NULL::jsonb) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (jsonb_build_object('bookingId', booking_id, 'doctorId', doctor_id, 'customerId', customer_id, 'startTime', lower(during), 'endTime', upper(during), 'sequence', sequence) || COALESCE(more, '{}'::jsonb));

CREATE FUNCTION public.clinic_of(id uuid) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ begin return substr(uuid_send(id), 1, 4)::integer; end $$;

CREATE FUNCTION public.current_clinic() RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('appoint.clinic_id'::text, true), ''::text))::integer;

CREATE FUNCTION public.fits_caps(clinic integer, customer uuid, more bigint, more_held bigint, most integer, most_held integer, since timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
begin
  perform pg_advisory_xact_lock(hashtextextended(customer::text, clinic));
  return (select count(*) + more <= most and (more_held = 0 or count(*) filter (where status = 'pending') + more_held <= most_held)
            from (select clinic_id, status, active_during from appointment where customer_id = customer and lower(during) >= since
                  offset 0) to_come  -- by appointment_by_customer: customer_free would be cheap to the planner, and is ten times the pages
           where clinic_id = clinic and active_during is not null);
end $$;

CREATE FUNCTION public.folded(text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
 SELECT translate(replace(replace(replace(regexp_replace(NORMALIZE(lower($1), NFD), '[\u0300-\u036f]'::text, ''::text, 'g'::text), 'ß'::text, 'ss'::text), 'æ'::text, 'ae'::text), 'œ'::text, 'oe'::text), 'øłđðı’'::text, 'olddi'''::text) AS translate;
END;

CREATE FUNCTION public.half_open(during tstzrange) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ begin return lower_inc(during) and not upper_inc(during) and not upper_inf(during) and isfinite(lower(during)) and isfinite(upper(during)); end $$;

CREATE FUNCTION public.local_instant(day date, minute integer, zone text) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN ((e.earlier AT TIME ZONE local_instant.zone) = w.wall) THEN LEAST(e.earlier, i.instant)
             ELSE i.instant
         END AS instant
    FROM ( SELECT (local_instant.day + make_interval(mins => local_instant.minute)) AS wall) w,
     LATERAL ( SELECT (w.wall AT TIME ZONE local_instant.zone) AS instant) i,
     LATERAL ( SELECT ((w.wall AT TIME ZONE 'UTC'::text) - ((((i.instant - '24:00:00'::interval) AT TIME ZONE local_instant.zone) AT TIME ZONE 'UTC'::text) - (i.instant - '24:00:00'::interval))) AS earlier) e;
END;

CREATE FUNCTION public.mint_id(clinic_id integer) RETURNS uuid
    LANGUAGE sql STRICT PARALLEL SAFE
    BEGIN ATOMIC
 SELECT (((((lpad(to_hex(mint_id.clinic_id), 8, '0'::text) || lpad(to_hex((clock.ms >> 32)), 4, '0'::text)) || '8'::text) || lpad(to_hex(((clock.ms >> 20) & (4095)::bigint)), 3, '0'::text)) || to_hex((('-9223372036854775808'::bigint | ((clock.ms & (1048575)::bigint) << 42)) | random((0)::bigint, '4398046511103'::bigint)))))::uuid AS uuid
    FROM ( SELECT ((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric))::bigint AS ms) clock;
END;

CREATE TABLE public.api_key (
    clinic_id integer NOT NULL,
    id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    active boolean DEFAULT true NOT NULL,
    removed_at timestamp with time zone,
    name text NOT NULL,
    scopes text[] NOT NULL,
    secret_hash bytea NOT NULL,
    old_secret_hash bytea,
    old_secret_until timestamp with time zone,
    expires_at timestamp with time zone,
    requests_per_minute integer,
    last_used_at timestamp with time zone,
    CONSTRAINT api_key_id_of_clinic CHECK ((public.clinic_of(id) = clinic_id)),
    CONSTRAINT api_key_name CHECK (((name ~ '\S'::text) AND (length(name) <= 200))),
    CONSTRAINT api_key_old_secret CHECK ((num_nulls(old_secret_hash, old_secret_until) = ANY (ARRAY[0, 2]))),
    CONSTRAINT api_key_old_secret_hash CHECK ((length(old_secret_hash) = 32)),
    CONSTRAINT api_key_removed CHECK ((active = (removed_at IS NULL))),
    CONSTRAINT api_key_requests CHECK ((requests_per_minute > 0)),
    CONSTRAINT api_key_scopes CHECK (((cardinality(scopes) > 0) AND (array_position(scopes, NULL::text) IS NULL))),
    CONSTRAINT api_key_secret CHECK ((length(secret_hash) = 32))
);

CREATE TABLE public.clinic (
    id integer NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    active boolean DEFAULT true NOT NULL,
    removed_at timestamp with time zone,
    active_id integer GENERATED ALWAYS AS (
CASE
    WHEN active THEN id
    ELSE NULL::integer
END) STORED,
    name text NOT NULL,
    slug text,
    time_zone text NOT NULL,
    locale text DEFAULT 'en'::text NOT NULL,
    currency text DEFAULT 'EUR'::text NOT NULL,
    phone text,
    email text,
    address text,
    slot_step_minutes smallint DEFAULT 15 NOT NULL,
    min_notice_minutes integer DEFAULT 0 NOT NULL,
    horizon_days smallint DEFAULT 56 NOT NULL,
    cancel_notice_minutes integer DEFAULT 0 NOT NULL,
    require_version boolean DEFAULT false NOT NULL,
    doctor_choice text DEFAULT 'random'::text NOT NULL,
    reminder_minutes integer[] DEFAULT '{1440,120}'::integer[] NOT NULL,
    quiet_from smallint,
    quiet_until smallint,
    agenda_minute smallint DEFAULT 420,
    retain_patients_months smallint,
    retain_messages_days smallint DEFAULT 365 NOT NULL,
    CONSTRAINT clinic_agenda CHECK (((agenda_minute >= 0) AND (agenda_minute <= 1439))),
    CONSTRAINT clinic_cancel_notice CHECK (((cancel_notice_minutes >= 0) AND (cancel_notice_minutes <= 525600))),
    CONSTRAINT clinic_currency CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT clinic_doctor_choice CHECK ((doctor_choice = ANY (ARRAY['random'::text, 'leastBusy'::text, 'roundRobin'::text]))),
    CONSTRAINT clinic_horizon CHECK (((horizon_days >= 1) AND (horizon_days <= 366))),
    CONSTRAINT clinic_locale CHECK ((locale = ANY (ARRAY['en'::text, 'de'::text, 'es'::text, 'fr'::text]))),
    CONSTRAINT clinic_min_notice CHECK (((min_notice_minutes >= 0) AND (min_notice_minutes <= 525600))),
    CONSTRAINT clinic_name CHECK (((name ~ '\S'::text) AND (length(name) <= 200))),
    CONSTRAINT clinic_number CHECK ((id > 0)),
    CONSTRAINT clinic_quiet CHECK (((num_nulls(quiet_from, quiet_until) = ANY (ARRAY[0, 2])) AND COALESCE((quiet_from <> quiet_until), true))),
    CONSTRAINT clinic_quiet_from CHECK (((quiet_from >= 0) AND (quiet_from <= 1439))),
    CONSTRAINT clinic_quiet_until CHECK (((quiet_until >= 0) AND (quiet_until <= 1439))),
    CONSTRAINT clinic_reminders CHECK (((cardinality(reminder_minutes) <= 5) AND (15 <= ALL (reminder_minutes)) AND (20160 >= ALL (reminder_minutes)) AND (array_position(reminder_minutes, NULL::integer) IS NULL))),
    CONSTRAINT clinic_removed CHECK ((active = (removed_at IS NULL))),
    CONSTRAINT clinic_retain_messages CHECK (((retain_messages_days >= 1) AND (retain_messages_days <= 3650))),
    CONSTRAINT clinic_retain_patients CHECK (((retain_patients_months >= 1) AND (retain_patients_months <= 600))),
    CONSTRAINT clinic_slot_step CHECK (((slot_step_minutes >= 1) AND (slot_step_minutes <= 720))),
    CONSTRAINT clinic_slug_form CHECK (((slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text) AND (length(slug) <= 100))),
    CONSTRAINT clinic_time_zone CHECK ((('2000-01-01 00:00:00'::timestamp without time zone AT TIME ZONE time_zone) IS NOT NULL))
);

CREATE FUNCTION public.presented_key(key_id uuid) RETURNS TABLE(clinic_id integer, scopes text[], requests_per_minute integer, expires_at timestamp with time zone, last_used_at timestamp with time zone, secret_hash bytea, old_secret_hash bytea, old_secret_until timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    BEGIN ATOMIC
 SELECT k.clinic_id,
     k.scopes,
     k.requests_per_minute,
     k.expires_at,
     k.last_used_at,
     k.secret_hash,
     k.old_secret_hash,
     k.old_secret_until
    FROM (public.api_key k
      JOIN public.clinic c ON ((c.id = k.clinic_id)))
   WHERE ((k.clinic_id = public.clinic_of(presented_key.key_id)) AND (k.id = presented_key.key_id) AND k.active AND c.active);
END;

CREATE FUNCTION public.refuse_partial(written bigint, wished bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
  if written < wished then
    raise exception 'only % of % could be written', written, wished using errcode = 'AP001';
  end if;
  return true;
end $$;

CREATE TABLE public.absence (
    clinic_id integer NOT NULL,
    id uuid NOT NULL,
    doctor_id uuid,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    active boolean DEFAULT true NOT NULL,
    removed_at timestamp with time zone,
    during tstzrange NOT NULL,
    active_during tstzrange GENERATED ALWAYS AS (
CASE
    WHEN active THEN during
    ELSE NULL::tstzrange
END) STORED,
    reason text,
    CONSTRAINT absence_half_open CHECK (public.half_open(during)),
    CONSTRAINT absence_id_of_clinic CHECK ((public.clinic_of(id) = clinic_id)),
    CONSTRAINT absence_removed CHECK ((active = (removed_at IS NULL)))
);

CREATE TABLE public.booking_slot (
    clinic_id integer NOT NULL,
    id uuid NOT NULL,
    doctor_id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    date date NOT NULL,
    during tstzrange NOT NULL,
    removed_at timestamp with time zone,
    active_during tstzrange GENERATED ALWAYS AS (
CASE
    WHEN (removed_at IS NULL) THEN during
    ELSE NULL::tstzrange
END) STORED,
    source text DEFAULT 'schedule'::text NOT NULL,
    remnant boolean DEFAULT false NOT NULL,
    time_slot_id uuid,
    CONSTRAINT booking_slot_half_open CHECK (public.half_open(during)),
    CONSTRAINT booking_slot_id_of_clinic CHECK ((public.clinic_of(id) = clinic_id)),
    CONSTRAINT booking_slot_source CHECK ((source = ANY (ARRAY['schedule'::text, 'manual'::text])))
);

CREATE TABLE public.doctor (
    clinic_id integer NOT NULL,
    id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    active boolean DEFAULT true NOT NULL,
    removed_at timestamp with time zone,
    active_clinic_id integer GENERATED ALWAYS AS (
CASE
    WHEN active THEN clinic_id
    ELSE NULL::integer
END) STORED,
    name text NOT NULL,
    specialty text,
    email text,
    CONSTRAINT doctor_id_of_clinic CHECK ((public.clinic_of(id) = clinic_id)),
    CONSTRAINT doctor_name CHECK (((name ~ '\S'::text) AND (length(name) <= 200))),
    CONSTRAINT doctor_removed CHECK ((active = (removed_at IS NULL)))
);

CREATE TABLE public.doctor_slot (
    clinic_id integer NOT NULL,
    id uuid NOT NULL,
    doctor_id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    active boolean DEFAULT true NOT NULL,
    removed_at timestamp with time zone,
    weekday smallint NOT NULL,
    minutes int4range NOT NULL,
    active_minutes int4range GENERATED ALWAYS AS (
CASE
    WHEN active THEN minutes
    ELSE NULL::int4range
END) STORED,
    valid daterange NOT NULL,
    time_slot_id uuid,
    active_time_slot_id uuid GENERATED ALWAYS AS (
CASE
    WHEN active THEN time_slot_id
    ELSE NULL::uuid
END) STORED,
    CONSTRAINT doctor_slot_id_of_clinic CHECK ((public.clinic_of(id) = clinic_id)),
    CONSTRAINT doctor_slot_in_a_day CHECK (((minutes <@ int4range(0, 1440)) AND (NOT isempty(minutes)))),
    CONSTRAINT doctor_slot_removed CHECK ((active = (removed_at IS NULL))),
    CONSTRAINT doctor_slot_valid CHECK ((NOT isempty(valid))),
    CONSTRAINT doctor_slot_weekday CHECK (((weekday >= 1) AND (weekday <= 7)))
);

CREATE FUNCTION public.scheduled(of_clinic integer, of_doctor uuid, first date, last date) RETURNS TABLE(doctor_id uuid, date date, time_slot_id uuid, pieces tstzmultirange)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 WITH line AS MATERIALIZED (
          SELECT s.doctor_id,
             (day.day)::date AS date,
             s.time_slot_id,
             lower(s.minutes) AS minute,
             public.local_instant((day.day)::date, lower(s.minutes), c.time_zone) AS starts,
             public.local_instant((day.day)::date, upper(s.minutes), c.time_zone) AS ends
            FROM ((((public.clinic c
              JOIN public.doctor d ON (((d.clinic_id = c.id) AND d.active)))
              JOIN public.doctor_slot s ON (((s.clinic_id = c.id) AND (s.doctor_id = d.id) AND s.active)))
              CROSS JOIN LATERAL ( SELECT GREATEST(scheduled.first, lower(s.valid)) AS since) f)
              CROSS JOIN LATERAL generate_series(((f.since + (((s.weekday - (EXTRACT(isodow FROM f.since))::integer) + 7) % 7)))::timestamp without time zone, (LEAST(scheduled.last, (upper(s.valid) - 1)))::timestamp without time zone, '7 days'::interval) day(day))
           WHERE ((c.id = scheduled.of_clinic) AND c.active AND ((scheduled.of_doctor IS NULL) OR (d.id = scheduled.of_doctor)))
         ), wanted AS (
          SELECT l.doctor_id,
             l.date,
             l.time_slot_id,
             l.minute,
             l.starts,
             l.ends,
                 CASE
                     WHEN (l.starts < l.ends) THEN tstzmultirange(tstzrange(l.starts, l.ends))
                     ELSE '{}'::tstzmultirange
                 END AS during
            FROM line l
         )
  SELECT w.doctor_id,
     w.date,
     w.time_slot_id,
     (((w.during - COALESCE(range_agg(w.during) OVER (PARTITION BY w.doctor_id, w.date ORDER BY w.minute ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), '{}'::tstzmultirange)) - COALESCE(( SELECT range_agg(a.active_during) AS range_agg
            FROM public.absence a
           WHERE ((a.clinic_id = scheduled.of_clinic) AND ((a.doctor_id IS NULL) OR (a.doctor_id = w.doctor_id)) AND (a.active_during && a.during))), '{}'::tstzmultirange)) - COALESCE(( SELECT range_agg(b.during) AS range_agg
            FROM public.booking_slot b
           WHERE ((b.clinic_id = scheduled.of_clinic) AND (b.doctor_id = w.doctor_id) AND (b.removed_at IS NOT NULL) AND ((b.date >= (w.date - 1)) AND (b.date <= (w.date + 1))) AND (b.during && w.during))), '{}'::tstzmultirange))
    FROM wanted w;
END;

CREATE FUNCTION public.spellings(text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
  plain text := public.folded($1);
  long text := public.folded(replace(replace(replace(replace(normalize(lower($1), nfc), 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ø', 'oe'));
begin
  return plain || coalesce(' ' || nullif(long, plain), '') || coalesce(' ' || nullif(regexp_replace(long, '([aou])e', '\1', 'g'), long), '');
end $_$;

CREATE TABLE public.app_user (
    id uuid DEFAULT uuidv7() NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    active boolean DEFAULT true NOT NULL,
    removed_at timestamp with time zone,
    name text NOT NULL,
    email text NOT NULL,
    active_email text GENERATED ALWAYS AS (
CASE
    WHEN active THEN email
    ELSE NULL::text
END) STORED,
    locale text,
    password_hash text,
    credentials integer DEFAULT 1 NOT NULL,
    totp_secret bytea,
    totp_confirmed_at timestamp with time zone,
    totp_step bigint,
    administrator boolean DEFAULT false NOT NULL,
    CONSTRAINT app_user_email_form CHECK (((email = lower(email)) AND (length(email) <= 254))),
    CONSTRAINT app_user_locale CHECK ((locale = ANY (ARRAY['en'::text, 'de'::text, 'es'::text, 'fr'::text]))),
    CONSTRAINT app_user_name CHECK (((name ~ '\S'::text) AND (length(name) <= 200))),
    CONSTRAINT app_user_removed CHECK ((active = (removed_at IS NULL))),
    CONSTRAINT app_user_totp CHECK (((totp_secret IS NOT NULL) OR (num_nonnulls(totp_confirmed_at, totp_step) = 0)))
);

CREATE TABLE public.customer (
    id uuid DEFAULT uuidv7() NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    active boolean DEFAULT true NOT NULL,
    removed_at timestamp with time zone,
    name text NOT NULL,
    email text,
    phone text,
    locale text,
    time_zone text,
    birth_date date,
    erased_at timestamp with time zone,
    present_id uuid GENERATED ALWAYS AS (
CASE
    WHEN (erased_at IS NULL) THEN id
    ELSE NULL::uuid
END) STORED,
    words text GENERATED ALWAYS AS (public.spellings(((((name || ' '::text) || COALESCE(email, ''::text)) || ' '::text) || COALESCE(phone, ''::text)))) STORED,
    CONSTRAINT customer_erased CHECK (((erased_at IS NULL) OR ((NOT active) AND (name = '(erased)'::text) AND (num_nonnulls(email, phone, locale, time_zone, birth_date) = 0)))),
    CONSTRAINT customer_locale CHECK ((locale = ANY (ARRAY['en'::text, 'de'::text, 'es'::text, 'fr'::text]))),
    CONSTRAINT customer_name CHECK (((name ~ '\S'::text) AND (length(name) <= 200))),
    CONSTRAINT customer_phone CHECK ((phone ~ '^\+[0-9]{4,15}$'::text)),
    CONSTRAINT customer_removed CHECK ((active = (removed_at IS NULL))),
    CONSTRAINT customer_time_zone CHECK (((time_zone IS NULL) OR (('2000-01-01 00:00:00'::timestamp without time zone AT TIME ZONE time_zone) IS NOT NULL)))
);

CREATE TABLE public.membership (
    clinic_id integer NOT NULL,
    user_id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    role text NOT NULL,
    doctor_id uuid,
    name text,
    joined_at timestamp with time zone,
    CONSTRAINT membership_name CHECK (((name ~ '\S'::text) AND (length(name) <= 200))),
    CONSTRAINT membership_of_doctor CHECK (((role <> 'doctor'::text) OR (doctor_id IS NOT NULL))),
    CONSTRAINT membership_role CHECK ((role = ANY (ARRAY['manager'::text, 'receptionist'::text, 'doctor'::text])))
);

CREATE TABLE public.session (
    id uuid DEFAULT uuidv7() NOT NULL,
    token_hash bytea NOT NULL,
    user_id uuid,
    customer_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT session_of_one CHECK ((num_nonnulls(user_id, customer_id) = 1)),
    CONSTRAINT session_token_hash CHECK ((length(token_hash) = 32))
);

CREATE FUNCTION public.signed_in(hash bytea, at timestamp with time zone, idle interval) RETURNS TABLE(session_id uuid, user_id uuid, customer_id uuid, administrator boolean, seen_at timestamp with time zone, memberships text)
    LANGUAGE sql STABLE SECURITY DEFINER
    BEGIN ATOMIC
 SELECT s.id,
     s.user_id,
     s.customer_id,
     COALESCE(u.administrator, false) AS "coalesce",
     s.seen_at,
     (COALESCE(( SELECT json_agg(json_build_object('clinic_id', m.clinic_id, 'role', m.role, 'doctor_id', m.doctor_id)) AS json_agg
            FROM public.membership m
           WHERE ((m.user_id = s.user_id) AND ((m.role <> 'doctor'::text) OR (EXISTS ( SELECT
                    FROM public.doctor d
                   WHERE ((d.clinic_id = m.clinic_id) AND (d.id = m.doctor_id) AND d.active)))))), '[]'::json))::text AS "coalesce"
    FROM ((public.session s
      LEFT JOIN public.app_user u ON ((u.id = s.user_id)))
      LEFT JOIN public.customer c ON ((c.id = s.customer_id)))
   WHERE ((s.token_hash = signed_in.hash) AND (s.expires_at > signed_in.at) AND (s.seen_at > (signed_in.at - signed_in.idle)) AND (u.active OR c.active));
END;

CREATE FUNCTION public.slot_event_data(doctor_id uuid, during tstzrange) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_build_object('doctorId', doctor_id, 'startTime', lower(during), 'endTime', upper(during));

CREATE TABLE public.appointment (
    clinic_id integer NOT NULL,
    id uuid NOT NULL,
    booking_id uuid NOT NULL,
    "position" smallint DEFAULT 0 NOT NULL,
    doctor_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    booker_id uuid,
    appointment_type_id uuid,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    status text DEFAULT 'booked'::text NOT NULL,
    hold_expires_at timestamp with time zone,
    during tstzrange NOT NULL,
    claimed tstzrange NOT NULL,
    active_during tstzrange GENERATED ALWAYS AS (
CASE
    WHEN (status <> ALL (ARRAY['cancelled'::text, 'noshow'::text])) THEN during
    ELSE NULL::tstzrange
END) STORED,
    active_claim tstzrange GENERATED ALWAYS AS (
CASE
    WHEN (status <> ALL (ARRAY['cancelled'::text, 'noshow'::text])) THEN claimed
    ELSE NULL::tstzrange
END) STORED,
    chosen boolean DEFAULT false NOT NULL,
    needs_rebooking boolean DEFAULT false NOT NULL,
    price_amount integer,
    price_currency text,
    notes text,
    cancel_reason text,
    idempotency_caller text,
    idempotency_key text,
    request_digest bytea,
    sequence integer DEFAULT 0 NOT NULL,
    rescheduled_at timestamp with time zone,
    overridden text[] DEFAULT '{}'::text[] NOT NULL,
    override_reason text,
    customer_during tstzrange GENERATED ALWAYS AS (
CASE
    WHEN ((status <> ALL (ARRAY['cancelled'::text, 'noshow'::text])) AND (NOT ('customer-busy'::text = ANY (overridden)))) THEN during
    ELSE NULL::tstzrange
END) STORED,
    only_held boolean DEFAULT false NOT NULL,
    cancel_cause text,
    CONSTRAINT appointment_booking_of_clinic CHECK ((public.clinic_of(booking_id) = clinic_id)),
    CONSTRAINT appointment_cancel_cause CHECK (((cancel_cause IS NULL) OR ((cancel_cause = ANY (ARRAY['request'::text, 'hold-expired'::text])) AND (status = 'cancelled'::text)))),
    CONSTRAINT appointment_cancel_reason CHECK (((cancel_reason IS NULL) OR (status = 'cancelled'::text))),
    CONSTRAINT appointment_claim_covers CHECK ((claimed @> during)),
    CONSTRAINT appointment_claim_half_open CHECK (public.half_open(claimed)),
    CONSTRAINT appointment_half_open CHECK (public.half_open(during)),
    CONSTRAINT appointment_hold CHECK (((status = 'pending'::text) = (hold_expires_at IS NOT NULL))),
    CONSTRAINT appointment_id_of_clinic CHECK ((public.clinic_of(id) = clinic_id)),
    CONSTRAINT appointment_only_held CHECK (((NOT only_held) OR (status = 'cancelled'::text))),
    CONSTRAINT appointment_overridden CHECK ((overridden <@ ARRAY['too-soon'::text, 'too-far'::text, 'outside-hours'::text, 'customer-busy'::text, 'too-late'::text])),
    CONSTRAINT appointment_override CHECK (((overridden = '{}'::text[]) = (override_reason IS NULL))),
    CONSTRAINT appointment_position CHECK (("position" >= 0)),
    CONSTRAINT appointment_price CHECK ((num_nulls(price_amount, price_currency) = ANY (ARRAY[0, 2]))),
    CONSTRAINT appointment_price_amount CHECK ((price_amount >= 0)),
    CONSTRAINT appointment_price_currency CHECK ((price_currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT appointment_request CHECK ((num_nulls(idempotency_caller, idempotency_key, request_digest) = ANY (ARRAY[0, 3]))),
    CONSTRAINT appointment_sequence CHECK ((sequence >= 0)),
    CONSTRAINT appointment_status CHECK ((status = ANY (ARRAY['pending'::text, 'booked'::text, 'arrived'::text, 'checked-in'::text, 'fulfilled'::text, 'cancelled'::text, 'noshow'::text])))
);

CREATE FUNCTION public.summed(of_clinic integer, of_doctor uuid, first date, last date) RETURNS TABLE(date date, opens smallint, published_minutes smallint[], booked_minutes smallint[], booked integer, cancelled integer, missed integer, kept integer, lead_days integer, lead smallint[])
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 WITH place AS (
          SELECT clinic.time_zone AS zone,
             tstzrange(public.local_instant(summed.first, 0, clinic.time_zone), public.local_instant((summed.last + 1), 0, clinic.time_zone)) AS span
            FROM public.clinic
           WHERE (clinic.id = summed.of_clinic)
         ), live AS MATERIALIZED (
          SELECT a.status,
             a.during,
             a.created_at
            FROM (place p
              JOIN public.appointment a ON (((a.clinic_id = summed.of_clinic) AND (a.doctor_id = summed.of_doctor) AND (a.active_claim && p.span))))
           WHERE (a.status <> 'pending'::text)
         ), visit AS (
          SELECT every.status,
             ((lower(every.during) AT TIME ZONE place.zone))::date AS date,
             GREATEST((((lower(every.during) AT TIME ZONE place.zone))::date - ((every.created_at AT TIME ZONE place.zone))::date), 0) AS lead
            FROM place,
             ( SELECT live.status,
                     live.during,
                     live.created_at
                    FROM live
                 UNION ALL
                  SELECT a.status,
                     a.during,
                     a.created_at
                    FROM (place p
                      JOIN public.appointment a ON (((a.clinic_id = summed.of_clinic) AND (a.doctor_id = summed.of_doctor) AND (a.active_during IS NULL) AND (lower(a.during) >= COALESCE(lower(p.span), '-infinity'::timestamp with time zone)) AND (lower(a.during) < COALESCE(upper(p.span), 'infinity'::timestamp with time zone)))))
                   WHERE (NOT a.only_held)) every
         ), counted AS (
          SELECT visit.date,
             (count(*))::integer AS booked,
             (count(*) FILTER (WHERE (visit.status = 'cancelled'::text)))::integer AS cancelled,
             (count(*) FILTER (WHERE (visit.status = 'noshow'::text)))::integer AS missed,
             (count(*) FILTER (WHERE (visit.status = ANY (ARRAY['arrived'::text, 'checked-in'::text, 'fulfilled'::text]))))::integer AS kept,
             (sum(visit.lead))::integer AS lead_days,
             ARRAY[(count(*) FILTER (WHERE (visit.lead = 0)))::smallint, (count(*) FILTER (WHERE (visit.lead = 1)))::smallint, (count(*) FILTER (WHERE ((visit.lead >= 2) AND (visit.lead <= 3))))::smallint, (count(*) FILTER (WHERE ((visit.lead >= 4) AND (visit.lead <= 7))))::smallint, (count(*) FILTER (WHERE ((visit.lead >= 8) AND (visit.lead <= 14))))::smallint, (count(*) FILTER (WHERE ((visit.lead >= 15) AND (visit.lead <= 28))))::smallint, (count(*) FILTER (WHERE ((visit.lead >= 29) AND (visit.lead <= 56))))::smallint, (count(*) FILTER (WHERE (visit.lead > 56)))::smallint] AS lead
            FROM visit
           WHERE ((visit.date >= COALESCE(summed.first, '-infinity'::date)) AND (visit.date <= COALESCE(summed.last, 'infinity'::date)))
           GROUP BY visit.date
         ), part AS (
          SELECT t.taken,
             (GREATEST(t.since, lower(t.during)) AT TIME ZONE place.zone) AS wall,
             (LEAST((t.since + '00:30:00'::interval), upper(t.during)) - GREATEST(t.since, lower(t.during))) AS lasts
            FROM place,
             LATERAL ( SELECT p.taken,
                     p.during,
                     since.since
                    FROM ( SELECT true AS taken,
                             l.during
                            FROM live l
                         UNION ALL
                          SELECT false,
                             s.active_during
                            FROM public.booking_slot s
                           WHERE ((s.clinic_id = summed.of_clinic) AND (s.doctor_id = summed.of_doctor) AND (s.active_during && place.span))) p,
                     LATERAL ( SELECT (lower(p.during) AT TIME ZONE place.zone) AS wall) w_1,
                     LATERAL generate_series((lower(p.during) - (w_1.wall - date_bin('00:30:00'::interval, w_1.wall, '2000-01-01 00:00:00'::timestamp without time zone))), upper(p.during), '00:30:00'::interval) since(since)
                   WHERE (since.since < upper(p.during))) t
         ), cell AS (
          SELECT (part.wall)::date AS date,
             (EXTRACT(hour FROM part.wall))::integer AS hour,
             (round((COALESCE(EXTRACT(epoch FROM sum(part.lasts) FILTER (WHERE (NOT part.taken))), (0)::numeric) / (60)::numeric)))::smallint AS published,
             (round((COALESCE(EXTRACT(epoch FROM sum(part.lasts) FILTER (WHERE part.taken)), (0)::numeric) / (60)::numeric)))::smallint AS booked
            FROM part
           WHERE (((part.wall)::date >= COALESCE(summed.first, '-infinity'::date)) AND ((part.wall)::date <= COALESCE(summed.last, 'infinity'::date)))
           GROUP BY ((part.wall)::date), ((EXTRACT(hour FROM part.wall))::integer)
         ), worked AS (
          SELECT o.date,
             (o.opens)::smallint AS opens,
             array_agg(COALESCE(c_1.published, (0)::smallint) ORDER BY hour.hour) AS published,
             array_agg(COALESCE(c_1.booked, (0)::smallint) ORDER BY hour.hour) AS booked
            FROM ((( SELECT cell.date,
                     min(cell.hour) AS opens,
                     max(cell.hour) AS closes
                    FROM cell
                   GROUP BY cell.date) o
              CROSS JOIN LATERAL generate_series(o.opens, o.closes) hour(hour))
              LEFT JOIN cell c_1 USING (date, hour))
           GROUP BY o.date, o.opens
         )
  SELECT date,
     COALESCE(w.opens, (0)::smallint) AS "coalesce",
     COALESCE(w.published, '{}'::smallint[]) AS "coalesce",
     COALESCE(w.booked, '{}'::smallint[]) AS "coalesce",
     COALESCE(c.booked, 0) AS "coalesce",
     COALESCE(c.cancelled, 0) AS "coalesce",
     COALESCE(c.missed, 0) AS "coalesce",
     COALESCE(c.kept, 0) AS "coalesce",
     COALESCE(c.lead_days, 0) AS "coalesce",
     COALESCE(c.lead, '{0,0,0,0,0,0,0,0}'::smallint[]) AS "coalesce"
    FROM (worked w
      FULL JOIN counted c USING (date));
END;

CREATE TABLE public.appointment_type (
    clinic_id integer NOT NULL,
    id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    active boolean DEFAULT true NOT NULL,
    removed_at timestamp with time zone,
    name text NOT NULL,
    description text,
    minutes smallint NOT NULL,
    buffer_before_minutes smallint DEFAULT 0 NOT NULL,
    buffer_after_minutes smallint DEFAULT 0 NOT NULL,
    price_amount integer,
    price_currency text,
    mode text DEFAULT 'inPerson'::text NOT NULL,
    CONSTRAINT appointment_type_buffer_after CHECK (((buffer_after_minutes >= 0) AND (buffer_after_minutes <= 720))),
    CONSTRAINT appointment_type_buffer_before CHECK (((buffer_before_minutes >= 0) AND (buffer_before_minutes <= 720))),
    CONSTRAINT appointment_type_id_of_clinic CHECK ((public.clinic_of(id) = clinic_id)),
    CONSTRAINT appointment_type_minutes CHECK (((minutes >= 5) AND (minutes <= 720))),
    CONSTRAINT appointment_type_mode CHECK ((mode = ANY (ARRAY['inPerson'::text, 'online'::text]))),
    CONSTRAINT appointment_type_name CHECK (((name ~ '\S'::text) AND (length(name) <= 200))),
    CONSTRAINT appointment_type_price CHECK ((num_nulls(price_amount, price_currency) = ANY (ARRAY[0, 2]))),
    CONSTRAINT appointment_type_price_amount CHECK ((price_amount >= 0)),
    CONSTRAINT appointment_type_price_currency CHECK ((price_currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT appointment_type_removed CHECK ((active = (removed_at IS NULL)))
);

CREATE TABLE public.audit_entry (
    clinic_id integer NOT NULL,
    "position" bigint NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subjects text[] NOT NULL,
    address text,
    request_id text,
    reason text,
    hash bytea NOT NULL,
    CONSTRAINT audit_entry_clinic CHECK ((clinic_id >= 0)),
    CONSTRAINT audit_entry_hash CHECK ((length(hash) = 32)),
    CONSTRAINT audit_entry_position CHECK (("position" > 0))
);

CREATE TABLE public.audit_head (
    clinic_id integer NOT NULL,
    "position" bigint NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    public_key text NOT NULL,
    signature text NOT NULL,
    CONSTRAINT audit_head_clinic CHECK ((clinic_id >= 0)),
    CONSTRAINT audit_head_hash CHECK ((length(hash) = 32)),
    CONSTRAINT audit_head_position CHECK (("position" >= 0))
);

CREATE TABLE public.audit_unsealed (
    clinic_id integer NOT NULL,
    id uuid DEFAULT uuidv7() NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subjects text[] DEFAULT '{}'::text[] NOT NULL,
    address text,
    request_id text,
    reason text,
    CONSTRAINT audit_unsealed_clinic CHECK ((clinic_id >= 0))
);

CREATE TABLE public.broker_message (
    "position" bigint NOT NULL,
    clinic_id integer NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    subject_id text NOT NULL,
    body text NOT NULL,
    fault text
);

ALTER TABLE public.broker_message ALTER COLUMN "position" ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.broker_message_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.patient (
    clinic_id integer NOT NULL,
    customer_id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    record_number text,
    notes text,
    noted_id uuid GENERATED ALWAYS AS (
CASE
    WHEN (num_nonnulls(record_number, notes) > 0) THEN customer_id
    ELSE NULL::uuid
END) STORED
);

CREATE VIEW public.clinic_customer WITH (security_barrier='true') AS
 SELECT id,
    version,
    created_at,
    updated_at,
    active,
    removed_at,
    name,
    email,
    phone,
    locale,
    time_zone,
    birth_date,
    erased_at,
    present_id,
    words
   FROM public.customer c
  WHERE (EXISTS ( SELECT
           FROM public.patient p
          WHERE ((p.clinic_id = public.current_clinic()) AND (p.customer_id = c.id))));

ALTER TABLE public.clinic ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.clinic_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.notification_preference (
    customer_id uuid NOT NULL,
    channel text NOT NULL,
    wanted boolean NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT notification_preference_channel CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text])))
);

CREATE VIEW public.customer_channel AS
 SELECT c.id AS customer_id,
    way.channel
   FROM ((public.customer c
     CROSS JOIN LATERAL ( VALUES ('email'::text,(c.email IS NOT NULL),true), ('sms'::text,(c.phone IS NOT NULL),(c.email IS NULL))) way(channel, possible, usual))
     LEFT JOIN public.notification_preference p ON (((p.customer_id = c.id) AND (p.channel = way.channel))))
  WHERE (c.active AND way.possible AND COALESCE(p.wanted, way.usual));

CREATE TABLE public.dev_message (
    id bigint NOT NULL,
    token text NOT NULL,
    channel text NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text,
    calendar text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    customer_id uuid,
    CONSTRAINT dev_message_channel CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text])))
);

ALTER TABLE public.dev_message ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.dev_message_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.doctor_appointment_type (
    clinic_id integer NOT NULL,
    doctor_id uuid NOT NULL,
    appointment_type_id uuid NOT NULL
);

CREATE TABLE public.doctor_day (
    clinic_id integer NOT NULL,
    date date NOT NULL,
    doctor_id uuid NOT NULL,
    opens smallint NOT NULL,
    published_minutes smallint[] NOT NULL,
    booked_minutes smallint[] NOT NULL,
    booked integer NOT NULL,
    cancelled integer NOT NULL,
    missed integer NOT NULL,
    kept integer NOT NULL,
    lead_days integer NOT NULL,
    lead smallint[] NOT NULL,
    CONSTRAINT doctor_day_counts CHECK (((LEAST(cancelled, missed, kept, lead_days) >= 0) AND (((cancelled + missed) + kept) <= booked))),
    CONSTRAINT doctor_day_hours CHECK (((opens >= 0) AND (cardinality(published_minutes) = cardinality(booked_minutes)) AND ((opens + cardinality(booked_minutes)) <= 24))),
    CONSTRAINT doctor_day_lead CHECK ((cardinality(lead) = 8))
);

CREATE TABLE public.event (
    clinic_id integer NOT NULL,
    id uuid DEFAULT uuidv7() NOT NULL,
    type text NOT NULL,
    subject_id text NOT NULL,
    subject_version integer NOT NULL,
    data jsonb NOT NULL,
    traceparent text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    parked_at timestamp with time zone,
    fault text,
    CONSTRAINT event_attempts CHECK ((attempts >= 0)),
    CONSTRAINT event_clinic CHECK ((clinic_id >= 0)),
    CONSTRAINT event_subject_version CHECK ((subject_version >= 0)),
    CONSTRAINT event_type CHECK ((type ~ '^[a-z-]+\.[a-z-]+$'::text))
);

CREATE TABLE public.event_log (
    clinic_id integer NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL,
    subject_id text NOT NULL,
    subject_version integer NOT NULL,
    data jsonb NOT NULL,
    traceparent text,
    created_at timestamp with time zone NOT NULL,
    relayed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT event_log_clinic CHECK ((clinic_id >= 0))
);

CREATE TABLE public.job_run (
    name text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    leased_until timestamp with time zone,
    attempts smallint DEFAULT 0 NOT NULL,
    finished_at timestamp with time zone,
    failed_at timestamp with time zone,
    reason text,
    CONSTRAINT job_run_attempts CHECK ((attempts >= 0)),
    CONSTRAINT job_run_reason CHECK (((failed_at IS NULL) OR (reason IS NOT NULL)))
);

CREATE TABLE public.message_template (
    clinic_id integer NOT NULL,
    id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    kind text NOT NULL,
    channel text NOT NULL,
    locale text NOT NULL,
    subject text,
    text text NOT NULL,
    CONSTRAINT message_template_channel CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text]))),
    CONSTRAINT message_template_id_of_clinic CHECK ((public.clinic_of(id) = clinic_id)),
    CONSTRAINT message_template_kind CHECK ((kind ~ '^[a-z]+(-[a-z]+)*$'::text)),
    CONSTRAINT message_template_locale CHECK ((locale = ANY (ARRAY['en'::text, 'de'::text, 'es'::text, 'fr'::text]))),
    CONSTRAINT message_template_subject CHECK ((((channel = 'email'::text) = (subject IS NOT NULL)) AND (length(subject) <= 200))),
    CONSTRAINT message_template_text CHECK (((text ~ '\S'::text) AND (length(text) <= 10000)))
);

CREATE TABLE public.notification (
    clinic_id integer NOT NULL,
    id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    kind text NOT NULL,
    subject_id text NOT NULL,
    sequence integer NOT NULL,
    recipient text NOT NULL,
    recipient_id text NOT NULL,
    channel text NOT NULL,
    event_id uuid,
    status text DEFAULT 'queued'::text NOT NULL,
    urgent boolean DEFAULT false NOT NULL,
    due_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    round smallint DEFAULT 0 NOT NULL,
    leased_until timestamp with time zone,
    sent_at timestamp with time zone,
    delivered_at timestamp with time zone,
    provider_id text,
    reason text,
    of_clinic_id integer GENERATED ALWAYS AS (
CASE
    WHEN (clinic_id > 0) THEN clinic_id
    ELSE NULL::integer
END) STORED,
    CONSTRAINT notification_attempts CHECK ((attempts >= 0)),
    CONSTRAINT notification_channel CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text]))),
    CONSTRAINT notification_delivered CHECK (((delivered_at IS NULL) OR (status = 'sent'::text))),
    CONSTRAINT notification_id_of_clinic CHECK ((public.clinic_of(id) = clinic_id)),
    CONSTRAINT notification_kind CHECK ((kind ~ '^[a-z]+(-[a-z]+)*(-[0-9]+)?$'::text)),
    CONSTRAINT notification_lease CHECK (((status = 'leased'::text) = (leased_until IS NOT NULL))),
    CONSTRAINT notification_reason CHECK (((reason IS NOT NULL) OR (status <> ALL (ARRAY['dead'::text, 'superseded'::text])))),
    CONSTRAINT notification_recipient CHECK ((recipient = ANY (ARRAY['customer'::text, 'doctor'::text, 'staff'::text, 'user'::text]))),
    CONSTRAINT notification_round CHECK ((round >= 0)),
    CONSTRAINT notification_sent CHECK (((status = 'sent'::text) = (sent_at IS NOT NULL))),
    CONSTRAINT notification_sequence CHECK ((sequence >= 0)),
    CONSTRAINT notification_status CHECK ((status = ANY (ARRAY['queued'::text, 'leased'::text, 'sent'::text, 'dead'::text, 'superseded'::text])))
);

CREATE TABLE public.request_key (
    caller text NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,
    answer jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.send_token (
    channel text NOT NULL,
    number smallint NOT NULL,
    free_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT send_token_channel CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text]))),
    CONSTRAINT send_token_number CHECK ((number > 0))
);

CREATE VIEW public.shown_appointment AS
 SELECT a.clinic_id,
    a.id,
    a.booking_id,
    a."position",
    a.booker_id,
    a.doctor_id,
    a.customer_id,
    a.appointment_type_id,
    lower(a.during) AS start_time,
    upper(a.during) AS end_time,
    c.time_zone,
    a.status,
    a.hold_expires_at,
    a.cancel_reason,
    a.needs_rebooking,
    a.price_amount,
    a.price_currency,
    a.notes,
    a.version,
    a.created_at,
    a.updated_at,
    a.claimed,
    a.overridden AS overrides,
    a.override_reason,
    a.cancel_cause
   FROM (public.appointment a
     JOIN public.clinic c ON ((c.id = a.clinic_id)));

CREATE TABLE public.sign_in_code (
    id uuid DEFAULT uuidv7() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    channel text NOT NULL,
    customer_ids uuid[] NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT sign_in_code_attempts CHECK (((attempts >= 0) AND (attempts <= 5))),
    CONSTRAINT sign_in_code_channel CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text])))
);

CREATE TABLE public.time_slot (
    clinic_id integer NOT NULL,
    id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    active boolean DEFAULT true NOT NULL,
    removed_at timestamp with time zone,
    active_clinic_id integer GENERATED ALWAYS AS (
CASE
    WHEN active THEN clinic_id
    ELSE NULL::integer
END) STORED,
    active_id uuid GENERATED ALWAYS AS (
CASE
    WHEN active THEN id
    ELSE NULL::uuid
END) STORED,
    name text,
    minutes int4range NOT NULL,
    active_minutes int4range GENERATED ALWAYS AS (
CASE
    WHEN active THEN minutes
    ELSE NULL::int4range
END) STORED,
    CONSTRAINT time_slot_id_of_clinic CHECK ((public.clinic_of(id) = clinic_id)),
    CONSTRAINT time_slot_in_a_day CHECK (((minutes <@ int4range(0, 1440)) AND (NOT isempty(minutes)))),
    CONSTRAINT time_slot_removed CHECK ((active = (removed_at IS NULL)))
);

CREATE TABLE public.unsummed (
    clinic_id integer NOT NULL,
    id uuid DEFAULT uuidv7() NOT NULL,
    doctor_id uuid,
    days daterange NOT NULL
);

CREATE TABLE public.webhook (
    clinic_id integer NOT NULL,
    id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    active boolean DEFAULT true NOT NULL,
    removed_at timestamp with time zone,
    url text NOT NULL,
    description text,
    event_types text[] DEFAULT '{}'::text[] NOT NULL,
    secret bytea NOT NULL,
    old_secret bytea,
    old_secret_until timestamp with time zone,
    failing_since timestamp with time zone,
    disabled_at timestamp with time zone,
    leased_until timestamp with time zone,
    CONSTRAINT webhook_disabled CHECK (((disabled_at IS NULL) OR (failing_since IS NOT NULL))),
    CONSTRAINT webhook_id_of_clinic CHECK ((public.clinic_of(id) = clinic_id)),
    CONSTRAINT webhook_old_secret CHECK ((num_nulls(old_secret, old_secret_until) = ANY (ARRAY[0, 2]))),
    CONSTRAINT webhook_removed CHECK ((active = (removed_at IS NULL))),
    CONSTRAINT webhook_secret CHECK (((length(secret) >= 24) AND (length(secret) <= 64))),
    CONSTRAINT webhook_url CHECK (((url ~ '^https?://'::text) AND (length(url) <= 2000)))
);

CREATE TABLE public.webhook_delivery (
    clinic_id integer NOT NULL,
    id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    webhook_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    subject_id text NOT NULL,
    status text DEFAULT 'queued'::text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    due_at timestamp with time zone NOT NULL,
    response_status smallint,
    reason text,
    delivered_at timestamp with time zone,
    CONSTRAINT webhook_delivery_attempts CHECK ((attempts >= 0)),
    CONSTRAINT webhook_delivery_delivered CHECK (((status = 'delivered'::text) = (delivered_at IS NOT NULL))),
    CONSTRAINT webhook_delivery_id_of_clinic CHECK ((public.clinic_of(id) = clinic_id)),
    CONSTRAINT webhook_delivery_reason CHECK (((reason IS NOT NULL) OR (status <> 'failed'::text))),
    CONSTRAINT webhook_delivery_status CHECK ((status = ANY (ARRAY['queued'::text, 'delivered'::text, 'failed'::text])))
);

CREATE TABLE public.worker_heartbeat (
    worker text NOT NULL,
    seen_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.absence
    ADD CONSTRAINT absence_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.app_user
    ADD CONSTRAINT app_user_email UNIQUE (active_email);

ALTER TABLE ONLY public.app_user
    ADD CONSTRAINT app_user_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.appointment_type
    ADD CONSTRAINT appointment_type_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.audit_entry
    ADD CONSTRAINT audit_entry_once UNIQUE (clinic_id, id);

ALTER TABLE ONLY public.audit_entry
    ADD CONSTRAINT audit_entry_pkey PRIMARY KEY (clinic_id, "position");

ALTER TABLE ONLY public.audit_head
    ADD CONSTRAINT audit_head_pkey PRIMARY KEY (clinic_id);

ALTER TABLE ONLY public.audit_unsealed
    ADD CONSTRAINT audit_unsealed_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.booking_slot
    ADD CONSTRAINT booking_slot_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.broker_message
    ADD CONSTRAINT broker_message_pkey PRIMARY KEY ("position");

ALTER TABLE ONLY public.clinic
    ADD CONSTRAINT clinic_active UNIQUE (id, active_id);

ALTER TABLE ONLY public.clinic
    ADD CONSTRAINT clinic_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.clinic
    ADD CONSTRAINT clinic_slug UNIQUE (slug);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT customer_free UNIQUE (clinic_id, customer_id, customer_during WITHOUT OVERLAPS);

ALTER TABLE ONLY public.customer
    ADD CONSTRAINT customer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.customer
    ADD CONSTRAINT customer_present UNIQUE (present_id);

ALTER TABLE ONLY public.dev_message
    ADD CONSTRAINT dev_message_once UNIQUE (token);

ALTER TABLE ONLY public.dev_message
    ADD CONSTRAINT dev_message_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.doctor_appointment_type
    ADD CONSTRAINT doctor_appointment_type_pkey PRIMARY KEY (clinic_id, doctor_id, appointment_type_id);

ALTER TABLE ONLY public.doctor_day
    ADD CONSTRAINT doctor_day_pkey PRIMARY KEY (clinic_id, date, doctor_id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT doctor_free UNIQUE (clinic_id, doctor_id, active_claim WITHOUT OVERLAPS);

ALTER TABLE ONLY public.doctor
    ADD CONSTRAINT doctor_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.doctor_slot
    ADD CONSTRAINT doctor_slot_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.event_log
    ADD CONSTRAINT event_log_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.job_run
    ADD CONSTRAINT job_run_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_pkey PRIMARY KEY (clinic_id, user_id);

ALTER TABLE ONLY public.message_template
    ADD CONSTRAINT message_template_once UNIQUE (clinic_id, kind, channel, locale);

ALTER TABLE ONLY public.message_template
    ADD CONSTRAINT message_template_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.notification_preference
    ADD CONSTRAINT notification_preference_pkey PRIMARY KEY (customer_id, channel);

ALTER TABLE ONLY public.patient
    ADD CONSTRAINT patient_pkey PRIMARY KEY (clinic_id, customer_id);

ALTER TABLE ONLY public.patient
    ADD CONSTRAINT patient_record_number UNIQUE (clinic_id, record_number);

ALTER TABLE ONLY public.booking_slot
    ADD CONSTRAINT published UNIQUE (clinic_id, doctor_id, active_during WITHOUT OVERLAPS);

ALTER TABLE ONLY public.request_key
    ADD CONSTRAINT request_key_pkey PRIMARY KEY (caller, key);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT same_request UNIQUE (clinic_id, idempotency_caller, idempotency_key, "position");

ALTER TABLE ONLY public.doctor_slot
    ADD CONSTRAINT schedule_lines_overlap EXCLUDE USING gist (clinic_id WITH =, doctor_id WITH =, weekday WITH =, active_minutes WITH &&, valid WITH &&);

ALTER TABLE ONLY public.send_token
    ADD CONSTRAINT send_token_pkey PRIMARY KEY (channel, number);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_token UNIQUE (token_hash);

ALTER TABLE ONLY public.sign_in_code
    ADD CONSTRAINT sign_in_code_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.time_slot
    ADD CONSTRAINT time_slot_minutes UNIQUE (clinic_id, active_id, minutes);

ALTER TABLE ONLY public.time_slot
    ADD CONSTRAINT time_slot_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.time_slot
    ADD CONSTRAINT time_slots_intersect UNIQUE (clinic_id, active_minutes WITHOUT OVERLAPS);

ALTER TABLE ONLY public.notification
    ADD CONSTRAINT told_once UNIQUE (clinic_id, subject_id, sequence, kind, recipient, recipient_id, channel);

ALTER TABLE ONLY public.unsummed
    ADD CONSTRAINT unsummed_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.webhook_delivery
    ADD CONSTRAINT webhook_delivery_once UNIQUE (clinic_id, webhook_id, event_id);

ALTER TABLE ONLY public.webhook_delivery
    ADD CONSTRAINT webhook_delivery_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.webhook
    ADD CONSTRAINT webhook_pkey PRIMARY KEY (clinic_id, id);

ALTER TABLE ONLY public.worker_heartbeat
    ADD CONSTRAINT worker_heartbeat_pkey PRIMARY KEY (worker);

CREATE INDEX absence_during ON public.absence USING gist (clinic_id, active_during);

CREATE INDEX appointment_beside ON public.appointment USING btree (clinic_id, customer_id) WHERE ('customer-busy'::text = ANY (overridden));

CREATE INDEX appointment_by_booker ON public.appointment USING btree (booker_id) WHERE (booker_id IS NOT NULL);

CREATE INDEX appointment_by_booking ON public.appointment USING btree (clinic_id, booking_id);

CREATE INDEX appointment_by_customer ON public.appointment USING btree (customer_id, lower(during));

CREATE INDEX appointment_by_start ON public.appointment USING btree (clinic_id, lower(during), id);

CREATE INDEX appointment_chosen ON public.appointment USING btree (clinic_id, doctor_id, created_at) WHERE chosen;

CREATE INDEX appointment_hold_expires ON public.appointment USING btree (hold_expires_at) WHERE (status = 'pending'::text);

CREATE INDEX appointment_not_live ON public.appointment USING btree (clinic_id, doctor_id, lower(during)) WHERE (active_during IS NULL);

CREATE INDEX appointment_request_age ON public.appointment USING btree (created_at) WHERE (idempotency_key IS NOT NULL);

CREATE INDEX audit_entry_subjects ON public.audit_entry USING gin (subjects);

CREATE INDEX booking_slot_by_start ON public.booking_slot USING btree (lower(active_during), upper(active_during), date, clinic_id) WHERE (removed_at IS NULL);

CREATE INDEX booking_slot_removed ON public.booking_slot USING btree (clinic_id, doctor_id, date) WHERE (removed_at IS NOT NULL);

CREATE INDEX customer_by_email ON public.customer USING btree (lower(email)) WHERE (active AND (email IS NOT NULL));

CREATE INDEX customer_by_phone ON public.customer USING btree (phone) WHERE (active AND (phone IS NOT NULL));

CREATE INDEX customer_words ON public.customer USING gin (words public.gin_trgm_ops);

CREATE INDEX event_in_order ON public.event USING btree (clinic_id, subject_id, subject_version, id);

CREATE INDEX event_log_relayed ON public.event_log USING brin (relayed_at);

CREATE INDEX event_parked ON public.event USING btree (id) WHERE (parked_at IS NOT NULL);

CREATE INDEX event_waiting ON public.event USING btree (id) WHERE (parked_at IS NULL);

CREATE INDEX membership_by_user ON public.membership USING btree (user_id);

CREATE INDEX notification_by_customer ON public.notification USING btree (recipient_id) WHERE (recipient = 'customer'::text);

CREATE INDEX notification_by_status ON public.notification USING btree (clinic_id, status, id);

CREATE INDEX notification_dead ON public.notification USING btree (channel) WHERE (status = 'dead'::text);

CREATE INDEX notification_leased ON public.notification USING btree (channel, leased_until) WHERE (status = 'leased'::text);

CREATE INDEX notification_waiting ON public.notification USING btree (channel, urgent DESC, due_at) WHERE (status = 'queued'::text);

CREATE INDEX session_by_customer ON public.session USING btree (customer_id) WHERE (customer_id IS NOT NULL);

CREATE INDEX session_by_user ON public.session USING btree (user_id) WHERE (user_id IS NOT NULL);

CREATE INDEX session_expires ON public.session USING btree (expires_at);

CREATE INDEX sign_in_code_expires ON public.sign_in_code USING btree (expires_at);

CREATE INDEX webhook_delivery_due ON public.webhook_delivery USING btree (clinic_id, webhook_id, due_at) WHERE (status = 'queued'::text);

CREATE INDEX webhook_delivery_in_order ON public.webhook_delivery USING btree (clinic_id, webhook_id, subject_id, event_id) WHERE (status = 'queued'::text);

ALTER TABLE ONLY public.absence
    ADD CONSTRAINT absence_clinic FOREIGN KEY (clinic_id) REFERENCES public.clinic(id);

ALTER TABLE ONLY public.absence
    ADD CONSTRAINT absence_doctor FOREIGN KEY (clinic_id, doctor_id) REFERENCES public.doctor(clinic_id, id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_clinic FOREIGN KEY (clinic_id) REFERENCES public.clinic(id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_booker FOREIGN KEY (booker_id) REFERENCES public.customer(id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_doctor FOREIGN KEY (clinic_id, doctor_id) REFERENCES public.doctor(clinic_id, id);

ALTER TABLE ONLY public.appointment_type
    ADD CONSTRAINT appointment_type_clinic FOREIGN KEY (clinic_id) REFERENCES public.clinic(id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_type_of_clinic FOREIGN KEY (clinic_id, appointment_type_id) REFERENCES public.appointment_type(clinic_id, id);

ALTER TABLE ONLY public.booking_slot
    ADD CONSTRAINT booking_slot_doctor FOREIGN KEY (clinic_id, doctor_id) REFERENCES public.doctor(clinic_id, id);

ALTER TABLE ONLY public.booking_slot
    ADD CONSTRAINT booking_slot_time_slot FOREIGN KEY (clinic_id, time_slot_id) REFERENCES public.time_slot(clinic_id, id);

ALTER TABLE ONLY public.dev_message
    ADD CONSTRAINT dev_message_customer FOREIGN KEY (customer_id) REFERENCES public.customer(present_id);

ALTER TABLE ONLY public.doctor
    ADD CONSTRAINT doctor_active_clinic FOREIGN KEY (clinic_id, active_clinic_id) REFERENCES public.clinic(id, active_id);

ALTER TABLE ONLY public.doctor
    ADD CONSTRAINT doctor_clinic FOREIGN KEY (clinic_id) REFERENCES public.clinic(id);

ALTER TABLE ONLY public.doctor_day
    ADD CONSTRAINT doctor_day_doctor FOREIGN KEY (clinic_id, doctor_id) REFERENCES public.doctor(clinic_id, id);

ALTER TABLE ONLY public.doctor_slot
    ADD CONSTRAINT doctor_slot_doctor FOREIGN KEY (clinic_id, doctor_id) REFERENCES public.doctor(clinic_id, id);

ALTER TABLE ONLY public.doctor_slot
    ADD CONSTRAINT doctor_slot_keeps_time FOREIGN KEY (clinic_id, active_time_slot_id, minutes) REFERENCES public.time_slot(clinic_id, active_id, minutes) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.doctor_slot
    ADD CONSTRAINT doctor_slot_time_slot FOREIGN KEY (clinic_id, time_slot_id) REFERENCES public.time_slot(clinic_id, id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT is_patient FOREIGN KEY (clinic_id, customer_id) REFERENCES public.patient(clinic_id, customer_id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_clinic FOREIGN KEY (clinic_id) REFERENCES public.clinic(id);

ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_doctor FOREIGN KEY (clinic_id, doctor_id) REFERENCES public.doctor(clinic_id, id);

ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_user FOREIGN KEY (user_id) REFERENCES public.app_user(id);

ALTER TABLE ONLY public.message_template
    ADD CONSTRAINT message_template_clinic FOREIGN KEY (clinic_id) REFERENCES public.clinic(id);

ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_clinic FOREIGN KEY (of_clinic_id) REFERENCES public.clinic(id);

ALTER TABLE ONLY public.notification_preference
    ADD CONSTRAINT notification_preference_customer FOREIGN KEY (customer_id) REFERENCES public.customer(present_id);

ALTER TABLE ONLY public.doctor_appointment_type
    ADD CONSTRAINT offered_by FOREIGN KEY (clinic_id, doctor_id) REFERENCES public.doctor(clinic_id, id);

ALTER TABLE ONLY public.doctor_appointment_type
    ADD CONSTRAINT offered_type FOREIGN KEY (clinic_id, appointment_type_id) REFERENCES public.appointment_type(clinic_id, id);

ALTER TABLE ONLY public.patient
    ADD CONSTRAINT patient_clinic FOREIGN KEY (clinic_id) REFERENCES public.clinic(id);

ALTER TABLE ONLY public.patient
    ADD CONSTRAINT patient_customer FOREIGN KEY (customer_id) REFERENCES public.customer(id);

ALTER TABLE ONLY public.patient
    ADD CONSTRAINT patient_noted FOREIGN KEY (noted_id) REFERENCES public.customer(present_id);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_customer FOREIGN KEY (customer_id) REFERENCES public.customer(present_id);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_user_of FOREIGN KEY (user_id) REFERENCES public.app_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.time_slot
    ADD CONSTRAINT time_slot_active_clinic FOREIGN KEY (clinic_id, active_clinic_id) REFERENCES public.clinic(id, active_id);

ALTER TABLE ONLY public.time_slot
    ADD CONSTRAINT time_slot_clinic FOREIGN KEY (clinic_id) REFERENCES public.clinic(id);

ALTER TABLE ONLY public.webhook
    ADD CONSTRAINT webhook_clinic FOREIGN KEY (clinic_id) REFERENCES public.clinic(id);

ALTER TABLE ONLY public.webhook_delivery
    ADD CONSTRAINT webhook_delivery_webhook FOREIGN KEY (clinic_id, webhook_id) REFERENCES public.webhook(clinic_id, id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT within_hours FOREIGN KEY (clinic_id, doctor_id, PERIOD active_during) REFERENCES public.booking_slot(clinic_id, doctor_id, PERIOD active_during);

CREATE POLICY across ON public.api_key TO appoint_across USING (true);

CREATE POLICY across ON public.audit_entry TO appoint_across, appoint_sealer USING (true) WITH CHECK (true);

CREATE POLICY across ON public.audit_head TO appoint_across, appoint_sealer USING (true) WITH CHECK (true);

CREATE POLICY across ON public.audit_unsealed TO appoint_across, appoint_sealer USING (true) WITH CHECK (true);

CREATE POLICY across ON public.doctor_day TO appoint_across USING (true);

CREATE POLICY across ON public.membership TO appoint_across USING (true);

CREATE POLICY across ON public.message_template TO appoint_across USING (true);

CREATE POLICY across ON public.notification TO appoint_across USING (true);

CREATE POLICY across ON public.patient TO appoint_across USING (true);

CREATE POLICY across ON public.webhook TO appoint_across USING (true);

CREATE POLICY across ON public.webhook_delivery TO appoint_across USING (true);

ALTER TABLE public.api_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_entry ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_head ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_unsealed ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.doctor_day ENABLE ROW LEVEL SECURITY;

CREATE POLICY first_visit ON public.patient FOR INSERT TO appoint_server WITH CHECK (true);

ALTER TABLE public.membership ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.message_template ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.notification ENABLE ROW LEVEL SECURITY;

CREATE POLICY of_clinic ON public.api_key TO appoint_server USING ((clinic_id = public.current_clinic()));

CREATE POLICY of_clinic ON public.audit_entry FOR SELECT TO appoint_server USING ((clinic_id = public.current_clinic()));

CREATE POLICY of_clinic ON public.audit_head FOR SELECT TO appoint_server USING ((clinic_id = public.current_clinic()));

CREATE POLICY of_clinic ON public.audit_unsealed FOR SELECT TO appoint_server USING ((clinic_id = public.current_clinic()));

CREATE POLICY of_clinic ON public.doctor_day TO appoint_server USING ((clinic_id = public.current_clinic()));

CREATE POLICY of_clinic ON public.membership TO appoint_server USING ((clinic_id = public.current_clinic()));

CREATE POLICY of_clinic ON public.message_template TO appoint_server USING ((clinic_id = public.current_clinic()));

CREATE POLICY of_clinic ON public.notification TO appoint_server USING ((of_clinic_id = public.current_clinic()));

CREATE POLICY of_clinic ON public.patient TO appoint_server USING ((clinic_id = public.current_clinic()));

CREATE POLICY of_clinic ON public.webhook TO appoint_server USING ((clinic_id = public.current_clinic()));

CREATE POLICY of_clinic ON public.webhook_delivery TO appoint_server USING ((clinic_id = public.current_clinic()));

ALTER TABLE public.patient ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_delivery ENABLE ROW LEVEL SECURITY;

CREATE POLICY written ON public.audit_unsealed FOR INSERT TO appoint_server WITH CHECK (true);
