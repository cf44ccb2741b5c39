"""The report on a rush: a table of what had to hold, and a plot of what happened."""

from itertools import accumulate
from pathlib import Path

from .rush_people import Journal, Plan

WIDTH, HEIGHT, LEFT, GAP = 760, 150, 60, 46
SLOWEST_ADMITTED, SLOWEST_STAFF = 1.0, 0.3
INK, LINE = "#1e2528", "#0b6157"


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def by_second(pairs: list[tuple[float, float]], share: float) -> list[tuple[float, float]]:
    seconds: dict[int, list[float]] = {}
    for at, value in pairs:
        seconds.setdefault(int(at), []).append(value)
    return [(second, percentile(values, share)) for second, values in sorted(seconds.items())]


def faults_of(plan: Plan, journal: Journal, checks: dict[str, int]) -> list[str]:
    """Return what did not hold."""
    errors = sum(number for name, number in journal.statuses.items() if " 5" in name)
    slowest = max((wait for _, wait in journal.waits["admitted"]), default=0)
    staff = percentile([wait for _, wait in journal.waits["staff"]], 0.99)
    left = checks["times"] - checks["booked"]
    faults = {
        f"{left:,} times were not booked": left > 0 and not plan.bookings_rate and plan.people >= checks["times"],
        f"{errors} responses were 5xx": errors > 0,
        f"{journal.statuses['broken connections']} connections broke": journal.statuses["broken connections"] > 0,
        f"an admitted visitor waited {slowest:.2f} s": slowest > SLOWEST_ADMITTED,
        f"the staff's board took {staff:.2f} s (99th percentile)": staff > SLOWEST_STAFF,
        f"{checks['doubled']} times were booked twice": checks["doubled"] > 0,
        f"{checks['lost']} acknowledged bookings are missing": checks["lost"] > 0,
        f"{checks['unacknowledged']} bookings were not acknowledged": checks["unacknowledged"] > 0,
        f"{checks['repeated']} bookings were acknowledged twice": checks["repeated"] > 0,
    }
    return [fault for fault, holds in faults.items() if holds]


def name_of(plan: Plan) -> str:
    """Return the name of the report's files."""
    return "record-minute" if plan.bookings_rate else "rush"


def markdown(plan: Plan, journal: Journal, checks: dict[str, int], machine: str) -> str:
    queue, admitted = journal.seconds, [wait for _, wait in journal.waits["admitted"]]
    pages = [wait for _, wait in journal.waits["queue"]]
    memory = [size / 2**20 for _, size in journal.memory] or [0.0]
    arrived = max((second["arrived"] for second in queue.values()), default=0)
    busiest = max((second["queue"] for second in queue.values()), default=0)
    faults = faults_of(plan, journal, checks)
    if plan.bookings_rate:
        introduction = (
            "People with passes book while everyone else watches the queue, at the rates of the busiest minute that "
            "Doctolib has published: 333 bookings per second, with 5,000 queue pages per second beside them. If the "
            "machine serves fewer than 9,000 `/healthz` responses per second, both rates are lower in proportion."
        )
    else:
        introduction = "Many more people want to book at one clinic than there are times."
    rows = [
        ("`/healthz` responses per second, on their own", f"{plan.healthz:,.0f}"),
        ("bookings attempted per second", f"{plan.bookings_rate:,.0f}" if plan.bookings_rate else "by those admitted"),
        ("people who arrived", f"{arrived:,}"),
        ("arrivals per second", f"{plan.first_rate:,.0f} to {plan.last_rate:,.0f}, for {plan.seconds / 60:.1f} min"),
        ("queue pages sent", f"{len(pages):,}; in the busiest second {busiest:,}"),
        ("queue page, median and 99th percentile", f"{percentile(pages, 0.5):.3f} s, {percentile(pages, 0.99):.3f} s"),
        ("admitted requests", f"{len(admitted):,}"),
        (
            "admitted request, median, 99th percentile and slowest",
            f"{percentile(admitted, 0.5):.3f} s, {percentile(admitted, 0.99):.3f} s, {max(admitted, default=0):.3f} s",
        ),
        ("times", f"{checks['times']:,}, of which booked: {checks['booked']:,}"),
        ("bookings acknowledged", f"{len(journal.acknowledged):,}"),
        ("people who left because everything was taken", f"{journal.lost:,}"),
        ("staff's board, 99th percentile", f"{percentile([w for _, w in journal.waits['staff']], 0.99):.3f} s"),
        ("delay of the load generator itself", f"{max(journal.late.values(), default=0):.3f} s at most"),
        ("memory of the server", f"{memory[0]:.0f} MB at first, {max(memory):.0f} MB at most"),
        ("responses", ", ".join(f"{name}: {number:,}" for name, number in sorted(journal.statuses.items()))),
    ]
    return "\n".join(
        [
            "# A record minute" if plan.bookings_rate else "# A rush",
            "",
            f"Written by `make rush`. {introduction}",
            "",
            f"Machine: {machine}. The load generator, the server and the database share it.",
            "",
            f"![Arrivals, queue pages, bookings and response times during the rush](images/{name_of(plan)}.svg)",
            "",
            "| | |",
            "| --- | --- |",
            *(f"| {name} | {value} |" for name, value in rows),
            "",
            "**Everything held.**" if not faults else "**What did not hold:** " + "; ".join(faults) + ".",
            "",
        ]
    )


def plot(journal: Journal) -> str:
    """Return the plot as an SVG document."""
    seconds = sorted(journal.seconds)
    arrived = list(
        zip(seconds, accumulate((journal.seconds[second]["arrived"] for second in seconds), max), strict=True)
    )
    charts = [
        ("People arrived", arrived),
        ("Queue pages per second", [(second, journal.seconds[second]["queue"]) for second in seconds]),
        ("Bookings per second", [(second, journal.seconds[second]["booked"]) for second in seconds]),
        ("Admitted requests: seconds, 99th percentile", by_second(journal.waits["admitted"], 0.99)),
        ("Staff's board: seconds", by_second(journal.waits["staff"], 0.99)),
        ("Server memory in MB", [(at, size / 2**20) for at, size in journal.memory]),
    ]
    last = max(seconds, default=0) or 1
    parts = [_chart(title, points, last, number) for number, (title, points) in enumerate(charts)]
    height = len(charts) * (HEIGHT + GAP) + 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12" fill="{INK}"><rect width="{WIDTH}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _chart(title: str, points: list[tuple[float, float]], last: float, number: int) -> str:
    top = number * (HEIGHT + GAP) + 30
    highest = max((value for _, value in points), default=0) or 1
    line = " ".join(
        f"{LEFT + at / last * (WIDTH - LEFT - 20):.1f},{top + HEIGHT - value / highest * HEIGHT:.1f}"
        for at, value in points
    )
    label = f"{highest:,.0f}" if highest >= 10 else f"{highest:.2f}"
    return (
        f'<text x="{LEFT}" y="{top - 10}" font-weight="600">{title}</text>'
        f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{label}</text>'
        f'<text x="{LEFT - 6}" y="{top + HEIGHT}" text-anchor="end">0</text>'
        f'<text x="{WIDTH - 20}" y="{top + HEIGHT + 14}" text-anchor="end">{last:.0f} s</text>'
        f'<path d="M{LEFT} {top}V{top + HEIGHT}H{WIDTH - 20}" fill="none" stroke="#c9c8c2"/>'
        f'<polyline points="{line}" fill="none" stroke="{LINE}" stroke-width="1.5"/>'
    )


def write(folder: Path, name: str, text: str, svg: str) -> None:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text)
    (folder / "images" / f"{name}.svg").write_text(svg)
