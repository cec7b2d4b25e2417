"""What the run amounts to: a row per client, and every reason to call it a failure."""

from dataclasses import dataclass
from statistics import median


@dataclass
class Row:
    """One writer's line of the table. Gaps are seconds between acknowledged writes, the longest of each failover."""

    client: str
    version: str
    writes: int
    survived: int
    of: int
    gaps: list
    errors: int
    lost: int
    lost_unexcused: int

    def cells(self):
        gaps = self.gaps or [float("nan")]
        return [
            self.client,
            self.version,
            str(self.writes),
            f"{self.survived}/{self.of}",
            f"{max(gaps) * 1000:.0f}",
            f"{median(gaps) * 1000:.0f}",
            str(self.errors),
            str(self.lost),
        ]


HEADINGS = ["client", "version", "writes", "survived", "longest gap ms", "median gap ms", "errors seen", "lost"]


def by_kind(rows, failovers):
    """The median gap of each client for each kind of failover: headings and lines."""
    kinds = sorted({failover.kind for failover in failovers})
    lines = []
    for one in rows:
        of_kind = [[gap for gap, made in zip(one.gaps, failovers) if made.kind == kind] for kind in kinds]
        lines.append([one.client, *(f"{median(gaps) * 1000:.0f}" for gaps in of_kind)])
    return ["median gap ms", *kinds], lines


def row(client, failovers, lost, within, end):
    windows = windows_of(failovers, end)
    return Row(
        client=client.name,
        version=client.version,
        writes=len(client.acks),
        survived=sum(recovered(client, failover, until, within) for failover, until in windows),
        of=len(failovers),
        gaps=[client.longest_gap(failover.began, until) for failover, until in windows],
        errors=len(client.errors),
        lost=len(lost),
        lost_unexcused=sum(one.excuse is None for one in lost),
    )


def windows_of(failovers, end):
    """Each failover with the moment at which the next one began."""
    return [(one, nxt.began if nxt else end) for one, nxt in zip(failovers, [*failovers[1:], None])]


def recovered(client, failover, until, within):
    """It wrote to the successor in time and before the next failover, as the process that it was."""
    waited = client.first_ack_after(failover.switched) if failover.switched else None
    return waited is not None and waited <= within and failover.switched + waited < until


def failures(rows, failovers, wanted, lost, clients, observer, within):
    """Every reason why this run is not a success."""
    for one in rows:
        if one.survived != one.of:
            yield f"{one.client} wrote again within {within:g} s after {one.survived} of {one.of} failovers only"
        if one.lost_unexcused:
            yield f"{one.client}: {one.lost_unexcused} acknowledged writes lost that nothing excuses: {examples(lost[one.client])}"
    for client in clients:
        if client.ended_by_itself is not None:
            yield f"{client.name} ended by itself with code {client.ended_by_itself}: see its .stderr"
        if client.garbled:
            yield f"{client.name} printed {len(client.garbled)} lines that mean nothing, first {client.garbled[0]!r}"
    if len(failovers) < wanted:
        yield f"only {len(failovers)} of {wanted} failovers were made"
    for failover in failovers:
        if not failover.switched:
            yield f"failover {failover.number} ({failover.kind}): no sentinel named a successor"
        elif not failover.whole:
            yield f"failover {failover.number} ({failover.kind}): the group was not whole again in time"
    for at, sentinel, address, named in observer.disagreements[:5]:
        yield f"{sentinel} gave two answers in one moment ({at:.3f}): {address} by name, {named} by MASTER and MASTERS"


def examples(lost):
    return ", ".join(f"{one.key} (acknowledged {one.acked:.3f})" for one in lost if one.excuse is None)[:300]


def table(headings, lines):
    widths = [max(len(line[i]) for line in [headings, *lines]) for i in range(len(headings))]
    first, *rest = widths
    for line in [headings, ["-" * width for width in widths], *lines]:
        yield "  ".join([line[0].ljust(first), *(cell.rjust(width) for cell, width in zip(line[1:], rest))])
