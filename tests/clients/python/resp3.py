"""A connection in RESP3, opened as go-redis does."""

import socket

PATIENCE_SECONDS = 30.0


class ServerError(Exception):
    """The server answered with an error."""


class Session:
    """One connection; it is never made again."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=PATIENCE_SECONDS)
        self.buffer = b""
        self.messages = 0
        self.send([("HELLO", "3")])
        self.read()
        # In one write; servers before redis 7.2 refuse them, which go-redis takes no notice of.
        self.send([("CLIENT", "SETINFO", "LIB-NAME", "go-redis(,go1.24)"), ("CLIENT", "SETINFO", "LIB-VER", "9.17.0")])
        for _ in range(2):
            try:
                self.read()
            except ServerError:
                pass
        self.call("SELECT", "3")

    def send(self, commands):
        words = [[word.encode() for word in command] for command in commands]
        self.socket.sendall(
            b"".join(b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in command) for command in words)
        )

    def call(self, *command):
        return self.pipeline([command])[0]

    def pipeline(self, commands):
        self.send(commands)
        return [self.read() for _ in commands]

    def message(self, within):
        """Whether a message comes in this time."""
        before = self.messages
        self.socket.settimeout(within)
        try:
            while self.messages == before:
                self.value()
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(PATIENCE_SECONDS)
        return True

    def read(self):
        """The next reply; a confirmation is one."""
        while True:
            kind, value = self.value()
            if kind != b">" or value[0] == "subscribe":
                return value

    def value(self):
        kind, rest = self.whole(0)[:2]
        self.buffer = self.buffer[rest[1] :]
        value = rest[0]
        if isinstance(value, ServerError):
            raise value
        self.messages += kind == b">" and value[0] == "message"
        return kind, value

    def whole(self, at):
        """(kind, (value, end)) of the value at this place. Nothing is taken before it is whole, so that it can be waited for again."""
        line, end = self.line(at)
        kind, text = line[:1], line[1:].decode()
        if kind in b"$=":
            if text == "-1":
                return kind, (None, end)
            self.fill(end + int(text) + 2)
            return kind, (self.buffer[end : end + int(text)].decode(), end + int(text) + 2)
        if kind in b"*~>%":
            items = []
            for _ in range(int(text) * (2 if kind == b"%" else 1)):
                _, (value, end) = self.whole(end)
                items.append(value)
            return kind, (items, end)
        simple = {b"-": ServerError, b":": int, b"_": lambda _: None}
        return kind, (simple.get(kind, str)(text), end)

    def line(self, at):
        while (end := self.buffer.find(b"\r\n", at)) < 0:
            self.more()
        return self.buffer[at:end], end + 2

    def fill(self, length):
        while len(self.buffer) < length:
            self.more()

    def more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the connection was closed")
        self.buffer += piece
