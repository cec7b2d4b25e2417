"""One group, all clients at once, the same failovers for all of them."""

import random
import sys
import time

from . import faults, processes, survival, switches, verdict
from .haproxy import HAProxy
from .observer import Observer

SWITCH_WITHIN_SECONDS = 15
WHOLE_WITHIN_SECONDS = 30
WARM_WITHIN_SECONDS = 30


class Trial:
    """Runs the failovers against one group and its clients."""

    def __init__(self, group, roster, folder, options):
        self.group = group
        self.roster = roster
        self.folder = folder
        self.count = options.failovers
        self.kinds = options.kinds
        self.within = options.within
        self.failovers = []

    def run(self):
        """(rows, reasons for failure, summary)"""
        haproxy = HAProxy(self.roster.haproxy, self.group, self.folder) if self.roster.haproxy else None
        self.first = self.group.primary()
        try:
            if haproxy:
                haproxy.__enter__()
            with Observer(self.group) as self.observer:
                self.clients = self.roster.writers(self.group, haproxy, self.folder)
                self.listeners = self.roster.listeners(self.group, self.folder)
                self.warm_up()
                self.fail_over_and_over()
                self.end = time.time()
                self.final = self.group.primary()
        finally:
            for client in [*getattr(self, "clients", []), *getattr(self, "listeners", [])]:
                client.stop()
            if haproxy:
                haproxy.__exit__()
        return self.judge(haproxy)

    def warm_up(self):
        ready = lambda: all(client.acks for client in self.clients) and all(
            len(listener.listening) == len(self.observer.seen) for listener in self.listeners
        )
        if not processes.wait_until(ready, WARM_WITHIN_SECONDS):
            silent = [c.name for c in self.clients if not c.acks] + [
                c.name for c in self.listeners if len(c.listening) != len(self.observer.seen)
            ]
            raise RuntimeError(f"did not start within {WARM_WITHIN_SECONDS} s: {', '.join(silent)}; see {self.folder}")
        time.sleep(1.0)

    def fail_over_and_over(self):
        for number in range(1, self.count + 1):
            failover = faults.Failover(number, self.kinds[(number - 1) % len(self.kinds)], self.group.primary())
            self.failovers.append(failover)
            self.fail_over(failover)
            print(self.line(failover), file=sys.stderr, flush=True)
            if not failover.whole:
                return
            time.sleep(random.uniform(0.3, 0.8))

    def fail_over(self, failover):
        failover.began = time.time()
        undo = faults.KINDS[failover.kind](self.group, failover)
        failover.done = time.time()
        try:
            processes.wait_until(lambda: self.switched(failover), SWITCH_WITHIN_SECONDS, 0.01)
        finally:
            undo()
        if failover.switched:
            processes.wait_until(lambda: self.all_write(failover), self.within)
        failover.whole = bool(processes.wait_until(self.group.whole, WHOLE_WITHIN_SECONDS, 0.1))

    def switched(self, failover):
        named = self.observer.first_named_after(failover.began, failover.old)
        if named and self.observer.all_name(named[1]):
            failover.switched, failover.new = named
        return failover.switched

    def all_write(self, failover):
        return all(client.first_ack_after(failover.switched) is not None for client in self.clients)

    def line(self, failover):
        if not failover.switched:
            what = "no successor"
        else:
            slow = max(self.clients, key=lambda client: client.first_ack_after(failover.switched) or 1e9)
            took = slow.first_ack_after(failover.switched)
            what = f"{failover.old} -> {failover.new} named after {(failover.switched - failover.began) * 1000:.0f} ms"
            what += f", last client {slow.name} {took * 1000:.0f} ms later" if took is not None else f", {slow.name} not back"
        remarks = "".join(f" [{remark}]" for remark in failover.remarks)
        return f"  {failover.number:2} {failover.kind:13} {what}{'' if failover.whole else ', NOT WHOLE AGAIN'}{remarks}"

    def judge(self, haproxy):
        for client in self.clients:
            if haproxy and client.name.startswith("haproxy"):
                client.version = haproxy.version
        lost = survival.lost_writes(self.final, self.clients, self.failovers)
        rows = [verdict.row(client, self.failovers, lost[client.name], self.within, self.end) for client in self.clients]
        everyone = [*self.clients, *self.listeners]
        reasons = list(verdict.failures(rows, self.failovers, self.count, lost, everyone, self.observer, self.within))
        for listener in self.listeners:
            wrong = switches.faults_of(listener, self.group.name, self.first, self.final, self.observer)
            reasons += [f"{listener.name}: {text}" for text in wrong[:5]]
        return rows, reasons, [*verdict.table(*verdict.by_kind(rows, self.failovers)), *self.summary()]

    def summary(self):
        """What the sentinels said, in two lines."""
        switches = max(len(changes) - 1 for changes in self.observer.seen.values())
        messages = {listener.name: len(listener.messages) for listener in self.listeners}
        return [
            f"discovery: asked {self.observer.asked} times by name, by MASTER and by MASTERS at once, "
            f"{len(self.observer.disagreements)} disagreements; {switches} changes of primary, {self.count} asked for",
            "+switch-master: " + ", ".join(f"{name} {count} messages" for name, count in messages.items()),
        ]
