"""How soon a server that was just started answers. By hand, so that a client's own start does not
count: a connection is tried every millisecond, and one request is sent on it."""
import contextlib
import pathlib
import re
import socket
import subprocess
import time

PATIENCE_S = 20
TRY_EVERY_S = 0.001


def frame(kind, flags, stream, payload):
    """Of HTTP/2, RFC 9113 section 4.1."""
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload)


def literal(text):
    return bytes([len(text)]) + text.encode("ascii")


# grpc.health.v1.Health/Check of the whole server. Headers without compression, RFC 7541 section
# 6.2.2: POST, http, path, authority, content-type, te.
GRPC_HEALTH = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
    + frame(1, 4, 1, b"\x83\x86\x04" + literal("/grpc.health.v1.Health/Check") + b"\x01"
            + literal("localhost") + b"\x0f\x10" + literal("application/grpc") + b"\x00"
            + literal("te") + literal("trailers"))
    + frame(0, 1, 1, bytes(5)))
HTTP_GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def grpc_answered(received):
    """Whether a DATA frame of stream 1 is there: the status of the server."""
    while len(received) >= 9:
        size = int.from_bytes(received[:3], "big")
        if received[3] == 0 and len(received) >= 9 + size:
            return True
        received = received[9 + size:]
    return False


def http_answered(received):
    return received.startswith(b"HTTP/1.1 200 ")


class UnixSocket:
    """Where a server listens. Another transport, TLS for example, is another class with connect()."""

    def __init__(self, path):
        self.path = str(path)

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(self.path)
        except OSError:
            connection.close()
            raise
        return connection


def ask(where, request, answered):
    with where.connect() as connection:
        connection.settimeout(PATIENCE_S)
        connection.sendall(request)
        received = b""
        while not answered(received):
            piece = connection.recv(4096)
            if not piece:
                raise ConnectionError("closed without an answer")
            received += piece


@contextlib.contextmanager
def started(argv, where, request, answered):
    """The process and the seconds from its start to its first answer."""
    begun = time.monotonic()
    process = subprocess.Popen([str(word) for word in argv], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                ask(where, request, answered)
                break
            except OSError:
                if process.poll() is not None or time.monotonic() - begun > PATIENCE_S:
                    raise
                time.sleep(TRY_EVERY_S)
        yield process, time.monotonic() - begun
    finally:
        process.terminate()
        process.wait()


def anonymous_mb(pid):
    """Memory that is the process's alone: not the pages of its binary and libraries."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.M)[1]) / 1024
