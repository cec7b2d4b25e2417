"""The clients: what each is called, what it needs and how it is started."""

from . import install
from .journal import Client

WRITERS = ["redis-py", "valkey-py", "ioredis", "node-redis", "redis-rs", "redis-cli", "haproxy-nodes", "haproxy-sentinels"]


class Roster:
    """The chosen clients, with everything that they need installed."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.python = install.python()
        self.node = install.program("node", ("apt-install", "nodejs", "npm"))
        self.node_home = install.node()
        self.redis_rs = install.redis_rs() if "redis-rs" in chosen else None
        self.redis_cli = install.program("redis-cli", ("install-redis",))
        self.haproxy = None
        if any(name.startswith("haproxy") for name in chosen):
            self.haproxy = install.program("haproxy", ("apt-install", "haproxy"))

    def writers(self, group, haproxy, folder):
        """Starts the chosen writers."""
        sentinels = ",".join(group.sentinels())
        script = install.HERE / "python" / "writer.py"
        through = [group.name, sentinels]
        commands = {
            "redis-py": [self.python, script, "redis", "redis-py", *through],
            "valkey-py": [self.python, script, "valkey", "valkey-py", *through],
            "ioredis": [self.node, self.node_home / "ioredis.mjs", "ioredis", *through],
            "node-redis": [self.node, self.node_home / "node-redis.mjs", "node-redis", *through],
            "redis-rs": [self.redis_rs, "redis-rs", *through],
            "redis-cli": [install.HERE / "shell" / "redis-cli", self.redis_cli, "redis-cli", *through],
        }
        if haproxy:
            nodes, sentinels_check = haproxy.addresses
            commands["haproxy-nodes"] = [self.python, script, "redis", "haproxy-nodes", "-", nodes]
            commands["haproxy-sentinels"] = [self.python, script, "redis", "haproxy-sentinels", "-", sentinels_check]
        return [Client(name, [str(word) for word in commands[name]], folder) for name in self.chosen]

    def listeners(self, group, folder):
        """Starts the subscribers to +switch-master: one on redis-py, one on ioredis."""
        sentinels = ",".join(group.sentinels())
        commands = {
            "redis-py-listener": [self.python, install.HERE / "python" / "listener.py", sentinels],
            "ioredis-listener": [self.node, self.node_home / "listener.mjs", sentinels],
        }
        return [Client(name, [str(word) for word in command], folder) for name, command in commands.items()]
