"""After the end: which acknowledged writes does the primary still hold, and was a loss allowed?"""

from dataclasses import dataclass

from . import resp

BATCH = 500
# In async durability a reply may leave just before the stream to the replicas; a drained socket bounds it to instants.
LAST_INSTANTS_SECONDS = 0.1
READ_WITHIN_SECONDS = 30


@dataclass
class Lost:
    """One acknowledged write that is gone, and the crash that may have taken it (None: nothing excuses it)."""

    key: str
    acked: float
    excuse: object


def lost_writes(primary, clients, failovers):
    """Reads every acknowledged key back: client name -> the lost ones."""
    with resp.Connection(primary, READ_WITHIN_SECONDS) as connection:
        return {client.name: lost_of(connection, client, failovers) for client in clients}


def lost_of(connection, client, failovers):
    gone = []
    for start in range(0, len(client.acks), BATCH):
        batch = client.acks[start : start + BATCH]
        values = connection.ask("MGET", *(f"{client.name}:{seq}" for _, seq in batch))
        gone += [(at, seq) for (at, seq), value in zip(batch, values) if value != str(seq)]
    return [Lost(f"{client.name}:{seq}", at, excuse(at, failovers)) for at, seq in gone]


def excuse(acked, failovers):
    for failover in failovers:
        if failover.may_lose and failover.began - LAST_INSTANTS_SECONDS <= acked <= failover.done + 0.01:
            return failover
    return None
