"""Processes that this run started: they end with it, and nothing else is ever signalled."""

import ctypes
import os
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1


def start(command, end_with=signal.SIGKILL, **options):
    """A child that gets `end_with` when this process dies. Call it from the main thread: the kernel watches the thread."""
    libc = ctypes.CDLL(None)
    return subprocess.Popen(command, preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, end_with), **options)


def stop(process, word=signal.SIGTERM, within=5.0):
    """Asks, waits, kills. True when asking was enough."""
    if process.poll() is None:
        process.send_signal(word)
    try:
        process.wait(within)
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
        return False


class Target:
    """A process below one of ours, remembered with its start time so that a reused pid is never signalled."""

    def __init__(self, pid, root_pid):
        self.pid = pid
        self.started = start_time(pid)
        if self.started is None or not descends(pid, root_pid):
            raise ProcessLookupError(f"{pid} is not a process of this group")

    def signal(self, number):
        """False when it is gone."""
        if start_time(self.pid) != self.started:
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def stat(pid):
    """The fields of /proc/PID/stat from the state on; None when there is no such process or only its remains."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields


def start_time(pid):
    fields = stat(pid)
    return fields and int(fields[19])


def descends(pid, root_pid):
    for _ in range(32):
        if pid == root_pid:
            return True
        fields = stat(pid)
        if fields is None or pid <= 1:
            return False
        pid = int(fields[1])
    return False


def targets_below(root_pid):
    """Every living process below this one."""
    targets = []
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != root_pid):
        try:
            targets.append(Target(pid, root_pid))
        except ProcessLookupError:
            continue  # somebody else's, or just gone
    return targets


def wait_until(question, within, every=0.02):
    """Asks until the answer is true, at most `within` seconds; the last answer."""
    deadline = time.monotonic() + within
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(every)
    return answer
