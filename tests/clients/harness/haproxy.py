"""HAProxy in front of the nodes, in the two ways that people use it with Sentinel."""

import socket
import subprocess

from . import processes, resp

READY_WITHIN_SECONDS = 10

HEAD = """global
  maxconn 500
defaults
  mode tcp
  retries 0
  timeout connect 500ms
  timeout client 1h
  timeout server 1h
  timeout check 500ms
  default-server inter 100ms fastinter 50ms fall 2 rise 1
"""

# One: the nodes say themselves who is primary.
BY_NODES = """listen by-nodes
  bind 127.0.0.1:{port}
  option tcp-check
  tcp-check send PING\\r\\n
  tcp-check expect string +PONG
  tcp-check send info\\ replication\\r\\n
  tcp-check expect string role:master
  tcp-check send QUIT\\r\\n
  tcp-check expect string +OK
  default-server on-marked-down shutdown-sessions
{servers}
"""

# Two: a node is the primary when two of the sentinels name it. "min-recv 0": an answer that names somebody else is
# final, where HAProxy would wait for more until the check times out. No QUIT: sentinels do not know it, stock ones neither.
BY_SENTINELS = """frontend by-sentinels
  bind 127.0.0.1:{port}
{choices}
"""

CHECK = """backend named-{node}
  option tcp-check
  tcp-check send SENTINEL\\ GET-MASTER-ADDR-BY-NAME\\ {group}\\r\\n
  tcp-check expect min-recv 0 rstring \\*2\\r\\n\\$[0-9]+\\r\\n{host}\\r\\n\\$[0-9]+\\r\\n{port}\\r\\n
{sentinels}
backend to-{node}
  server {node} {address}
"""


def configuration(group, ports):
    nodes = {node["name"]: node["address"] for node in group.nodes()}
    sentinels = "\n".join(f"  server s{i} {address} check" for i, address in enumerate(group.sentinels()))
    choices = "\n".join(f"  use_backend to-{name} if {{ nbsrv(named-{name}) ge 2 }}" for name in nodes)
    checks = [
        CHECK.format(
            node=name,
            group=group.name,
            host=address.rpartition(":")[0].replace(".", "\\."),
            port=address.rpartition(":")[2],
            address=address,
            sentinels=sentinels,
        )
        for name, address in nodes.items()
    ]
    servers = "\n".join(f"  server {name} {address} check" for name, address in nodes.items())
    by_nodes, by_sentinels = ports
    return "\n".join(
        [HEAD, BY_NODES.format(port=by_nodes, servers=servers), BY_SENTINELS.format(port=by_sentinels, choices=choices), *checks]
    )


def free_ports(count):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


class HAProxy:
    """One HAProxy in the foreground with both fronts; use it as a context."""

    def __init__(self, program, group, folder):
        self.ports = free_ports(2)
        self.addresses = [f"127.0.0.1:{port}" for port in self.ports]
        self.log = folder / "haproxy.log"
        self.file = folder / "haproxy.cfg"
        self.file.write_text(configuration(group, self.ports))
        self.program = program
        self.version = subprocess.run(
            [program, "-v"], capture_output=True, text=True, check=True, timeout=10
        ).stdout.split()[2].split("-")[0]

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = processes.start(
                [self.program, "-db", "-q", "-f", str(self.file)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        for address in self.addresses:
            if not processes.wait_until(lambda: self.leads_to_a_primary(address), READY_WITHIN_SECONDS, 0.1):
                self.__exit__()
                raise RuntimeError(f"HAProxy at {address} finds no primary: see {self.log}")
        return self

    def __exit__(self, *_):
        processes.stop(self.process)

    @staticmethod
    def leads_to_a_primary(address):
        try:
            with resp.Connection(address, 1.0) as connection:
                return connection.ask("ROLE")[0] == "master"
        except (OSError, resp.ServerError):
            return False
