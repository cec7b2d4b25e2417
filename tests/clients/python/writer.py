"""Writes unique keys through redis-py or valkey-py, until its stdin ends.

usage: writer.py redis|valkey NAME GROUP HOST:PORT,HOST:PORT,…     through the sentinels
       writer.py redis|valkey NAME - HOST:PORT                     to one address (a proxy's)
"""

import importlib
import sys

from lines import say, stdin_ended, write_until

TIMEOUTS = {"socket_timeout": 1.0, "socket_connect_timeout": 0.5}


def client(library, group, addresses):
    module = importlib.import_module(library)
    retry = importlib.import_module(f"{library}.retry").Retry(
        importlib.import_module(f"{library}.backoff").ExponentialBackoff(cap=0.2, base=0.01), 3
    )
    if group == "-":
        (host, port), = addresses
        plain = module.Redis if library == "redis" else module.Valkey
        # The proxy may have led us to a node that is primary no more: READONLY is a reason to connect again.
        again = [module.exceptions.ReadOnlyError]
        return module, plain(host=host, port=port, retry=retry, retry_on_error=again, **TIMEOUTS)
    sentinels = importlib.import_module(f"{library}.sentinel").Sentinel(
        addresses, sentinel_kwargs={"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    )
    return module, sentinels.master_for(group, retry=retry, **TIMEOUTS)


def main():
    library, name, group, listed = sys.argv[1:]
    addresses = [(host, int(port)) for host, port in (address.rsplit(":", 1) for address in listed.split(","))]
    module, connection = client(library, group, addresses)
    say("V", module.__version__)
    write_until(stdin_ended(), name, connection.set)


main()
