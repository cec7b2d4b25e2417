"""Asks every sentinel all the time who is primary, in each style that client libraries use."""

import threading
import time

from . import resp

EVERY_SECONDS = 0.01


class Observer:
    """One thread for each sentinel; use it as a context."""

    def __init__(self, group):
        self.over = threading.Event()
        self.seen = {address: [] for address in group.sentinels()}  # sentinel -> [(time, address of the primary)]
        self.disagreements = []
        self.asked = 0
        self.failures = []
        self.name = group.name
        self.threads = [threading.Thread(target=self.watch, args=(address,), daemon=True) for address in self.seen]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(5)

    def watch(self, sentinel):
        while not self.over.is_set():
            try:
                with resp.Connection(sentinel) as connection:
                    while not self.over.wait(EVERY_SECONDS):
                        self.look(sentinel, connection)
            except (OSError, ValueError) as error:
                self.failures.append((time.time(), sentinel, str(error)))
                self.over.wait(0.1)

    def look(self, sentinel, connection):
        by_name = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.name)
        first, one, every, last = connection.ask_all(
            [by_name, ("SENTINEL", "MASTER", self.name), ("SENTINEL", "MASTERS"), by_name]
        )
        self.asked += 1
        if first and (not self.seen[sentinel] or self.seen[sentinel][-1][1] != ":".join(first)):
            self.seen[sentinel].append((time.time(), ":".join(first)))
        styles = [one, *(group for group in every if resp.pairs(group)["name"] == self.name)]
        named = [[fields["ip"], fields["port"]] for fields in map(resp.pairs, styles)]
        # A switch may fall between two of the four answers: then the first and the last differ.
        if first == last and any(address != first for address in named):
            self.disagreements.append((time.time(), sentinel, first, named))

    def first_named_after(self, moment, not_this):
        """(time, address) of the first other primary that any sentinel named after this moment."""
        named = [
            (at, address)
            for changes in list(self.seen.values())
            for at, address in list(changes)
            if at >= moment and address != not_this
        ]
        return min(named, default=None)

    def all_name(self, address):
        return all(changes and changes[-1][1] == address for changes in self.seen.values())
