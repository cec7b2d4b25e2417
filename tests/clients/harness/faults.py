"""The failovers: what is done to the primary, and what it may cost."""

import signal
import time
from dataclasses import dataclass, field

from . import resp

# Shorter and longer than the clients' own limit of a second: in the first case they still wait for an answer at the thaw,
# and a server that was deposed meanwhile must not give it.
FROZEN_SECONDS = (0.8, 1.6)
HANDOFF_TRIES = 5


@dataclass
class Failover:
    """One failover as it happened. Times are seconds since 1970; `switched` is when a sentinel first named the successor."""

    number: int
    kind: str
    old: str
    began: float = 0.0
    done: float = 0.0
    switched: float = 0.0
    new: str | None = None
    whole: bool = False
    remarks: list = field(default_factory=list)

    @property
    def may_lose(self):
        """In async durability a crash may take the last instants along; a handoff takes nothing."""
        return self.kind != "handoff"


def kill_server(group, failover):
    node = group.node_at(failover.old)
    group.target(node["server_pid"]).signal(signal.SIGKILL)
    return lambda: None


def kill_node(group, failover):
    node = group.node_at(failover.old)
    targets = [group.target(node["agent_pid"]), group.target(node["server_pid"])]
    for target in targets:
        target.signal(signal.SIGKILL)
    return lambda: None


def freeze_server(group, failover):
    return freeze(group, failover, [group.node_at(failover.old)["server_pid"]])


def freeze_node(group, failover):
    node = group.node_at(failover.old)
    return freeze(group, failover, [node["agent_pid"], node["server_pid"]])


def freeze(group, failover, pids):
    """Stops the processes; what it returns lets them go on when their time has come."""
    targets = [group.target(pid) for pid in pids]
    thaw_at = time.monotonic() + FROZEN_SECONDS[failover.number // 3 % 2]
    for target in targets:
        target.signal(signal.SIGSTOP)

    def thaw():
        time.sleep(max(0.0, thaw_at - time.monotonic()))
        for target in targets:
            target.signal(signal.SIGCONT)

    return thaw


def handoff(group, failover):
    for _ in range(HANDOFF_TRIES):
        try:
            group.ask_any("HOLDFAST", "FAILOVER", group.name, timeout=10.0)
            return lambda: None
        except (OSError, resp.ServerError) as error:
            failover.remarks.append(f"FAILOVER answered: {error}")
            if group.primary() != failover.old:
                return lambda: None
            time.sleep(0.5)
    return lambda: None


KINDS = {
    "kill-server": kill_server,
    "handoff": handoff,
    "kill-node": kill_node,
    "freeze-server": freeze_server,
    "freeze-node": freeze_node,
}


def sequence(count):
    """`count` kinds, each coming round as often as the others, handoffs twice as often."""
    turn = ["kill-server", "handoff", "kill-node", "freeze-server", "handoff", "freeze-node"]
    return [turn[i % len(turn)] for i in range(count)]
