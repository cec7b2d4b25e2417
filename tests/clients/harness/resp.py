"""A connection that speaks RESP2, just enough to ask a sentinel or a node something."""

import socket

LONGEST_LINE = 64 * 1024


class ServerError(Exception):
    """The server answered with an error."""


class Connection:
    """One blocking connection; every read and write is bounded by `timeout` seconds."""

    def __init__(self, address, timeout=2.0):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self.reader = self.socket.makefile("rb")

    def ask(self, *words):
        """One command; an error in the answer is raised."""
        (answer,) = self.ask_all([words])
        if isinstance(answer, ServerError):
            raise answer
        return answer

    def ask_all(self, commands):
        """All commands in one write; errors are answers, in place."""
        self.socket.sendall(b"".join(encode(words) for words in commands))
        return [self.read() for _ in commands]

    def read(self):
        line = self.reader.readline(LONGEST_LINE)
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection was closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return ServerError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.read_bulk(int(rest))
        if kind == b"*":
            return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
        raise ConnectionError(f"not RESP2: {line[:40]!r}")

    def read_bulk(self, length):
        body = self.reader.read(length + 2)
        if len(body) != length + 2:
            raise ConnectionError("the connection was closed")
        return body[:-2].decode()

    def close(self):
        self.reader.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def encode(words):
    out = [b"*%d\r\n" % len(words)]
    for word in words:
        data = str(word).encode()
        out.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(out)


def pairs(flat):
    """The name/value pairs of a flat RESP2 map."""
    return dict(zip(flat[::2], flat[1::2]))
