"""Asks one server many questions, with a window of them under way."""
import collections
import select
import socket
import struct
import time

WINDOW = 200
PATIENCE_S = 2.0  # without any answer; then what is under way is sent again
TRIES = 5


def ask_all(address, packets, window=WINDOW):
    """The replies in the order of `packets`, whose IDs are replaced. RuntimeError when one is never
    answered."""
    replies = [None] * len(packets)
    waiting = {}  # ID -> index
    fresh = collections.deque(range(len(packets)))
    tries = 0
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        udp.connect(address)
        udp.setblocking(False)

        def send(index):
            udp.send(struct.pack("!H", index & 0xffff) + packets[index][2:])

        while fresh or waiting:
            while fresh and len(waiting) < window and fresh[0] & 0xffff not in waiting:
                index = fresh.popleft()
                waiting[index & 0xffff] = index
                send(index)
            if _receive(udp, waiting, replies):
                tries = 0
                continue
            if not select.select([udp], [], [], PATIENCE_S)[0]:
                tries += 1
                if tries == TRIES:
                    raise RuntimeError(f"{len(waiting)} questions are not answered, such as "
                                       f"{packets[next(iter(waiting.values()))].hex()}")
                for index in waiting.values():
                    send(index)
    return replies


def _receive(udp, waiting, replies):
    """Takes what has arrived; how many of it were waited for."""
    taken = 0
    while True:
        try:
            reply = udp.recv(65535)
        except BlockingIOError:
            return taken
        index = waiting.pop(reply[0] << 8 | reply[1], None)
        if index is not None:
            replies[index] = reply
            taken += 1


def ask_stream(address, packets, timeout_s=10):
    """The same over one TCP connection, one after the other."""
    replies = []
    with socket.create_connection(address, timeout_s) as stream, stream.makefile("rb") as reader:
        deadline = time.monotonic() + timeout_s * len(packets)
        for packet in packets:
            stream.sendall(struct.pack("!H", len(packet)) + packet)
            replies.append(reader.read(*struct.unpack("!H", reader.read(2))))
            if time.monotonic() > deadline:
                raise RuntimeError("the stream is too slow")
    return replies
