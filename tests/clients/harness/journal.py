"""One client process and what it says: a writer's acknowledged writes and errors, a listener's messages."""

import subprocess
import threading
from bisect import bisect_right

from . import processes

STOPPED_WITHIN_SECONDS = 6


class Client:
    """A client under test. Nothing restarts it; it is told to stop by the end of its stdin."""

    def __init__(self, name, command, folder, env=None):
        self.name = name
        self.version = ""
        self.acks = []  # (time, sequence number), in the order of time
        self.errors = []  # (time, text)
        self.messages = []  # (time, sentinel, payload)
        self.listening = set()
        self.garbled = []
        self.ended_by_itself = None
        with open(folder / f"{name}.stderr", "wb") as stderr:
            self.process = processes.start(
                command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True, bufsize=1
            )
        self.record = open(folder / f"{name}.log", "w")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.record.write(line)
            kind, _, rest = line.rstrip("\n").partition(" ")
            if kind == "W":
                seq, at = rest.split()
                self.acks.append((float(at), int(seq)))
            elif kind == "E":
                at, _, text = rest.partition(" ")
                self.errors.append((float(at), text))
            elif kind == "S":
                at, sentinel, payload = rest.split(" ", 2)
                self.messages.append((float(at), sentinel, payload))
            elif kind == "L":
                self.listening.add(rest)
            elif kind == "V":
                self.version = rest
            else:
                self.garbled.append(line)

    def first_ack_after(self, moment):
        """Seconds from `moment` to the next acknowledged write; None when there is none yet."""
        place = bisect_right(self.acks, (moment, 1 << 62))
        return self.acks[place][0] - moment if place < len(self.acks) else None

    def longest_gap(self, since, until):
        """The longest time without an acknowledged write in a window: from the last one before it to the window's end."""
        start = max(0, bisect_right(self.acks, (since, 1 << 62)) - 1)
        times = [at for at, _ in self.acks[start:] if at <= until] or [since]
        return max(later - sooner for sooner, later in zip(times, [*times[1:], until]))

    def stop(self):
        self.ended_by_itself = self.process.poll()
        self.process.stdin.close()
        try:
            self.process.wait(STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self.reader.join(5)
        self.record.close()
