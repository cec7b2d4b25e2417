"""One group of Holdfast on this machine, through `holdfast up --headless`."""

import json
import signal
import subprocess

from . import processes, resp

READY_WITHIN_SECONDS = 30
STOPPED_WITHIN_SECONDS = 20


class Group:
    """The group `name` in `folder`; use it as a context."""

    name = "mymaster"

    def __init__(self, holdfast, server, folder, base_port, *more):
        self.folder = folder / "group"
        self.log = folder / "up.log"
        command = [holdfast, "up", "--headless", "--dir", self.folder, "--base-port", str(base_port)]
        self.command = [*map(str, command), "--server", str(server), "--group", self.name, *more]
        self.up = None

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.up = processes.start(
                self.command, end_with=signal.SIGTERM, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        if not processes.wait_until(lambda: self.up.poll() is not None or self.whole(), READY_WITHIN_SECONDS, 0.1):
            self.__exit__()
            raise RuntimeError(f"the group was not ready within {READY_WITHIN_SECONDS} s: see {self.log}")
        if self.up.poll() is not None:
            raise RuntimeError(f"holdfast up ended by itself: see {self.log}")
        return self

    def __exit__(self, *_):
        descendants = processes.targets_below(self.up.pid)
        processes.stop(self.up, within=STOPPED_WITHIN_SECONDS)
        self.leftovers = [target.pid for target in descendants if target.signal(signal.SIGKILL)]

    def layout(self):
        return json.loads((self.folder / "cluster.json").read_text())

    def sentinels(self):
        return [sentinel["address"] for sentinel in self.layout()["sentinels"]]

    def nodes(self):
        return self.layout()["nodes"]

    def node_at(self, address):
        return next(node for node in self.nodes() if node["address"] == address)

    def target(self, pid):
        return processes.Target(pid, self.up.pid)

    def ask_any(self, *words, timeout=2.0):
        """The first sentinel's answer that comes."""
        failure = None
        for address in self.sentinels():
            try:
                with resp.Connection(address, timeout) as sentinel:
                    return sentinel.ask(*words)
            except (OSError, ConnectionError) as error:
                failure = error
        raise ConnectionError(f"no sentinel answers: {failure}")

    def status(self):
        return json.loads(self.ask_any("HOLDFAST", "STATUS", self.name))

    def primary(self):
        answer = self.ask_any("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.name)
        return answer and ":".join(answer)

    def whole(self):
        """Stable, one writable primary, and every other node an up replica of it."""
        try:
            status = self.status()
        except (OSError, ValueError, resp.ServerError):
            return False
        nodes = status["nodes"]
        return (
            status["phase"] == "stable"
            and len(nodes) == len(self.nodes())
            and all(node["state"] == "up" for node in nodes)
            and sorted(node["role"] for node in nodes) == ["primary"] + ["replica"] * (len(nodes) - 1)
            and all(node["writable"] for node in nodes if node["role"] == "primary")
        )
