"""Move a clinic to another cell while it is in use.

PostgreSQL's logical replication copies the clinic's rows and keeps the copy current. A clinic is at home in the cell
that has its row in `clinic`, which moves last: until then the target's workers leave the copy alone, and from then on
the source refuses all changes, because they refer to that row.
"""
