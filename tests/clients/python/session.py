"""Sessions that must never end: a pipeline, a request that blocks, a subscriber, a cached script.

usage: session.py redis-py HOST:PORT      through redis-py, which says HELLO 3 and SETINFO first
       session.py resp3 HOST:PORT         word for word as go-redis opens a connection, on plain sockets
"""

import sys
import threading
import time

import resp3
from lines import say, stdin_ended

DEPTH = 16
SCRIPT = "return redis.call('INCR', KEYS[1])"


def error(text):
    say("E", f"{time.time():.4f}", " ".join(str(text).split()))


class RedisPy:
    """Three connections of redis-py that say so when they are made again."""

    def __init__(self, host, port):
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        class Once(redis.Connection):
            made = 0

            def connect(self, *args, **options):
                self.made += self._sock is None
                if self.made > 1:
                    error("a connection was made again")
                return super().connect(*args, **options)

        self.version = redis.__version__

        def client():
            pool = redis.ConnectionPool(
                connection_class=Once, host=host, port=port, db=3, protocol=3, retry=Retry(NoBackoff(), 0),
                client_name="session", decode_responses=True, max_connections=2,
            )
            return redis.Redis(connection_pool=pool)

        self.writes, self.pops, self.news = client(), client(), client()
        self.subscription = self.news.pubsub()
        self.subscription.subscribe("python")
        self.sha = self.writes.script_load(SCRIPT)

    def pipeline(self, key):
        pipeline = self.writes.pipeline(transaction=False)
        for _ in range(DEPTH):
            pipeline.incr(key)
        return pipeline.execute()

    def transaction(self, key):
        return self.writes.pipeline(transaction=True).incr(key).execute()[0]

    def script(self, key):
        return self.writes.evalsha(self.sha, 1, key)

    def push(self, key, value):
        self.writes.rpush(key, value)
        self.writes.publish("python", value)

    def pop(self, key):
        return (self.pops.blpop([key], timeout=1) or [None, None])[1]

    def listen(self):
        return (self.subscription.get_message(timeout=0.2) or {}).get("type") == "message"


class Resp3:
    """The same on sockets."""

    version = "go-redis-like"

    def __init__(self, host, port):
        self.writes, self.pops, self.news = (resp3.Session(host, port) for _ in range(3))
        self.news.call("SUBSCRIBE", "python")
        self.sha = self.writes.call("SCRIPT", "LOAD", SCRIPT)

    def pipeline(self, key):
        return self.writes.pipeline([("INCR", key)] * DEPTH)

    def transaction(self, key):
        return self.writes.pipeline([("MULTI",), ("INCR", key), ("EXEC",)])[2][0]

    def script(self, key):
        return self.writes.call("EVALSHA", self.sha, "1", key)

    def push(self, key, value):
        self.writes.pipeline([("RPUSH", key, str(value)), ("PUBLISH", "python", str(value))])

    def pop(self, key):
        return (self.pops.call("BLPOP", key, "1") or [None, None])[1]

    def listen(self):
        return self.news.message(0.2)


def write(ended, client, name):
    count = rounds = 0
    while not ended.is_set():
        values = [*client.pipeline(f"{name}:count"), client.transaction(f"{name}:count"), client.script(f"{name}:count")]
        expected = list(range(count + 1, count + DEPTH + 3))
        if values != expected:
            raise ValueError(f"wrong answers: {values}, not {expected}")
        count, rounds = expected[-1], rounds + 1
        client.push(f"{name}:list", rounds)
        say("W", rounds, f"{time.time():.4f}")
        time.sleep(0.005)


def pop(ended, client, name):
    expected = 1
    while True:
        value = client.pop(f"{name}:list")
        if value is None and ended.is_set():
            return
        if value is not None and int(value) != expected:
            raise ValueError(f"popped {value}, not {expected}")
        expected += value is not None


def listen(ended, client, _):
    heard = 0
    while not ended.is_set():
        heard += bool(client.listen())
    if not heard:
        raise ValueError("no message was heard")


def run(work, *args):
    try:
        work(*args)
    except Exception as failure:  # whatever the library raises is what a user would see
        error(f"{work.__name__}: {type(failure).__name__} {failure}")


def main():
    name, address = sys.argv[1:]
    host, port = address.rsplit(":", 1)
    client = (RedisPy if name == "redis-py" else Resp3)(host, int(port))
    say("V", client.version)
    ended = stdin_ended()
    threads = [threading.Thread(target=run, args=(work, ended, client, name)) for work in (write, pop, listen)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
