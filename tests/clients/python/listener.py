"""Subscribes to +switch-master on every sentinel with redis-py and prints each message, until its stdin ends.

usage: listener.py HOST:PORT,HOST:PORT,…
"""

import sys
import threading
import time

import redis
from lines import say, stdin_ended


def listen(address, ended):
    host, port = address.rsplit(":", 1)
    subscription = redis.Redis(host=host, port=int(port), decode_responses=True).pubsub()
    subscription.subscribe("+switch-master")
    while not ended.is_set():
        try:
            message = subscription.get_message(timeout=0.2)
        except redis.RedisError as error:
            say("E", f"{time.time():.4f}", address, type(error).__name__, error)
            time.sleep(0.1)
            continue
        if message and message["type"] == "subscribe":
            say("L", address)
        if message and message["type"] == "message":
            say("S", f"{time.time():.4f}", address, message["data"])


def main():
    say("V", redis.__version__)
    ended = stdin_ended()
    listeners = [threading.Thread(target=listen, args=(address, ended)) for address in sys.argv[1].split(",")]
    for listener in listeners:
        listener.start()
    for listener in listeners:
        listener.join()


main()
