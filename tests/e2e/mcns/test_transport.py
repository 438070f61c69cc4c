"""UDP and TCP as clients use them, and as some misuse them."""
import contextlib
import os
import pathlib
import signal
import socket
import time

import dns.flags
import dns.message
import dns.rcode
import mcns_server
import pytest
from dns_upstream import DnsUpstream, answer
from mcns_server import (McnsServer, Namespace, eventually, make_query, receive_message,
                         receive_octets, send_message, texts)
from name_servers import question

BIG = 40  # texts of 200 octets: more than a datagram holds
HUGE = 200  # the same, 40 KB
ZONE = f"""$TTL 300
@    SOA ns1 admin 0 3600 600 604800 300
     NS  ns1
ns1  A   192.0.2.1
www  A   192.0.2.10
small TXT {"0" * 200} {"1" * 200}
{"".join(f"big TXT {i:0>200}{chr(10)}" for i in range(BIG))}
{"".join(f"huge TXT {i:0>200}{chr(10)}" for i in range(HUGE))}
"""
NAME = "www.example.test"
LOCAL = ["192.0.2.10"]
IDLE_S = 1
PER_CLIENT = 4


@pytest.fixture(scope="module")
def upstream():
    """Slow about "slow", large about "big"."""
    def handler(query):
        name = str(query.question[0].name)
        if name.startswith("slow"):
            time.sleep(1.5)
        if "big" in name:
            return answer(query, 300, "TXT", *(f"{i:0>200}" for i in range(BIG)))
        return answer(query, 300, "A", "198.51.100.80")
    with DnsUpstream(handler) as running:
        yield running


@contextlib.contextmanager
def serving(folder, upstream, **dns_table):
    reason = mcns_server.unavailable()
    if reason:
        pytest.skip(reason)
    with McnsServer(folder, zones={"example.test": ZONE},
                    dns={"upstreams": [upstream.address], **dns_table}) as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory, upstream):
    with serving(tmp_path_factory.mktemp("server"), upstream) as running:
        yield running


@pytest.fixture(scope="module")
def strict(tmp_path_factory, upstream):
    """With little patience and few places."""
    with serving(tmp_path_factory.mktemp("strict"), upstream, tcp_idle=f"{IDLE_S}s",
                 tcp_max_per_client=PER_CLIENT) as running:
        yield running


# UDP.

@pytest.mark.parametrize("udp_size", [0, 512, 1232, 4096])
@pytest.mark.parametrize("name", ["big.example.test", "big.elsewhere.net"])
def test_what_no_datagram_holds_is_truncated(server, name, udp_size):
    limit = min(max(udp_size, 512), 1232)
    for _ in range(2):  # of the upstream, then from memory
        with server.udp() as client:
            client.send(make_query(name, "TXT", udp_size=udp_size).to_wire())
            octets = client.recv(65535)
        response = dns.message.from_wire(octets)
        assert len(octets) <= limit
        assert response.rcode() == dns.rcode.NOERROR and response.flags & dns.flags.TC
        assert not response.answer, "no RRset is cut in two"
        assert (response.edns == 0) == (udp_size > 0)


@pytest.mark.parametrize("name", ["big.example.test", "big.elsewhere.net"])
def test_dig_asks_again_over_tcp(server, name):
    said = server.dig(name, "TXT")
    assert "Truncated, retrying in TCP mode" in said
    assert f"ANSWER: {BIG}," in said
    ignored = server.dig(name, "TXT", "+ignore")
    assert " tc " in ignored and "ANSWER: 0," in ignored


def test_every_address_answers_for_itself(tmp_path, upstream):
    with serving(tmp_path, upstream) as server:
        server.stop()
        server.write_config(dns={"listen_addr": [f":{server.port}"]})
        server.start()
        addresses = ["127.0.0.1", "127.0.0.2", "127.1.2.3"]
        if socket.has_ipv6:
            addresses.append("::1")
        for address in addresses:  # a connected socket takes nothing from elsewhere
            for _ in range(2):
                assert texts(server.ask(NAME, "A", address=address), "A") == LOCAL
                assert texts(server.ask(f"www{address.replace(':', '')}.elsewhere.net", "A",
                                        address=address), "A") == ["198.51.100.80"]
        assert server.dig(NAME, "+short", "+tcp", address="127.0.0.2").split() == LOCAL


# TCP.

def test_answers_of_a_connection_come_as_they_are_ready(server):
    with server.tcp() as stream:
        slow = make_query("slow1.elsewhere.net", "A")
        quick = [make_query(NAME, "A") for _ in range(10)]
        for query in (slow, *quick):
            send_message(stream, query)
        order = [receive_message(stream).id for _ in range(11)]
    assert sorted(order[:10]) == sorted(each.id for each in quick)
    assert order[10] == slow.id


def test_questions_may_come_in_pieces_and_all_at_once(server):
    octets = make_query(NAME, "A").to_wire()
    framed = len(octets).to_bytes(2, "big") + octets
    with server.tcp() as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in framed:
            stream.send(bytes([octet]))
        assert texts(receive_message(stream), "A") == LOCAL
        stream.sendall(framed * 500 + framed[:7])
        for _ in range(500):
            assert texts(receive_message(stream), "A") == LOCAL
        stream.sendall(framed[7:])
        assert texts(receive_message(stream), "A") == LOCAL


# RFC 7766 section 6.2.4.
@pytest.mark.parametrize("name", [NAME, "slow2.elsewhere.net"])
@pytest.mark.parametrize("count", [1, 3, 800])  # the last is more than is read at once
def test_a_client_that_has_ended_its_side_gets_its_answers(server, name, count):
    octets = make_query(name, "A").to_wire()
    os.kill(server.process.pid, signal.SIGSTOP)  # so that it finds questions and end together
    try:
        stream = server.tcp()
        stream.settimeout(5)
        stream.sendall((len(octets).to_bytes(2, "big") + octets) * count)
        stream.shutdown(socket.SHUT_WR)
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    with stream:
        for i in range(count):
            response = receive_message(stream)
            assert response is not None and response.answer, i
        assert receive_octets(stream) is None


def test_more_answers_than_a_socket_takes_all_arrive(server):
    """8 MB of answers to questions that were sent at once."""
    octets = make_query("huge.example.test", "TXT").to_wire()
    with server.tcp() as stream:
        stream.settimeout(10)
        stream.sendall((len(octets).to_bytes(2, "big") + octets) * 200)
        for i in range(200):
            got = receive_octets(stream)
            assert got is not None and got[6:8] == HUGE.to_bytes(2, "big"), i


def test_a_quiet_connection_is_closed(strict):
    with strict.tcp() as silent, strict.tcp() as quiet:
        send_message(quiet, make_query(NAME, "A"))
        assert texts(receive_message(quiet), "A") == LOCAL
        begun = time.monotonic()
        for stream in (silent, quiet):
            stream.settimeout(IDLE_S * 5)
            assert receive_octets(stream) is None
        assert time.monotonic() - begun > IDLE_S * 0.5


def test_a_connection_that_waits_for_an_upstream_is_not_idle(strict):
    with strict.tcp() as stream:
        send_message(stream, make_query("slow3.elsewhere.net", "A"))  # 1.5 s
        assert texts(receive_message(stream), "A") == ["198.51.100.80"]


def test_a_client_that_takes_no_answers_does_not_stay(strict):
    octets = make_query("huge.example.test", "TXT").to_wire()

    def is_open():
        """As the server has it: state 1 is an established connection."""
        rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()]
        return any(row[1] == f"0100007F:{strict.port:04X}" and row[3] == "01" for row in rows)

    with strict.tcp() as stream:
        with contextlib.suppress(OSError):
            stream.settimeout(0.5)
            stream.sendall((len(octets).to_bytes(2, "big") + octets) * 300)  # 12 MB of answers
        assert is_open()
        eventually(lambda: not is_open(), "it was closed", timeout_s=IDLE_S * 6)


def answered(stream):
    """Whether the connection is open and answers."""
    try:
        send_message(stream, make_query(NAME, "A"))
        return receive_octets(stream) is not None
    except OSError:
        return False


def test_over_the_cap_the_oldest_idle_connection_goes(strict):
    with contextlib.ExitStack() as stack:
        streams = []
        for i in range(PER_CLIENT):
            streams.append(stack.enter_context(strict.tcp()))
            if i == 0:  # the oldest one, but it is busy
                send_message(streams[0], make_query("slow4.elsewhere.net", "A"))
            else:
                assert answered(streams[i])
        streams.append(stack.enter_context(strict.tcp()))
        assert answered(streams[-1])
        assert receive_octets(streams[1]) is None
        assert answered(streams[2]) and answered(streams[3]) and answered(streams[-1])
        assert texts(receive_message(streams[0]), "A") == ["198.51.100.80"]


def test_a_client_over_its_cap_costs_nobody_else_a_connection(strict):
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(strict.tcp(source="127.0.0.9"))  # the oldest
        assert answered(other)
        own = [stack.enter_context(strict.tcp()) for _ in range(PER_CLIENT)]
        assert all(answered(each) for each in own)
        more = stack.enter_context(strict.tcp())
        assert answered(more)
        assert receive_octets(own[0]) is None
        assert answered(other)


def test_the_cap_holds_with_several_workers_too(tmp_path, upstream):
    with serving(tmp_path, upstream, workers=2, tcp_max_per_client=1) as server:
        with contextlib.ExitStack() as stack:
            for _ in range(20):  # whichever of the workers each of them comes to
                stream = stack.enter_context(server.tcp())
                assert answered(stream)


def test_a_question_is_answered_while_many_wait(server):
    """More of one connection than may be in flight: the others are asked as places come free."""
    with server.tcp() as busy, server.tcp() as other:
        for i in range(140):
            send_message(busy, make_query(f"n{i}.elsewhere.net", "A"))
        assert answered(other)
        assert sum(receive_message(busy).rcode() == dns.rcode.NOERROR for _ in range(140)) == 140


def answers_to_a_burst(server, count=100):
    """Texts of as many questions from one port, which wait for the server all at once."""
    names = [("www.example.test", "A"), ("small.example.test", "TXT"), ("gone.example.test", "A")]
    with server.udp() as client:
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            for number in range(count):
                client.send(question(number, *names[number % len(names)]))
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        replies = [dns.message.from_wire(client.recv(4096)) for _ in range(count)]
    assert sorted(reply.id for reply in replies) == list(range(count))
    for reply in replies:
        asked = str(reply.question[0].name).split(".", maxsplit=1)[0]
        assert asked == ("www", "small", "gone")[reply.id % len(names)]
        assert len(reply.answer) == (0 if asked == "gone" else 1)


def test_a_burst_of_one_client_is_answered_in_full(server):
    answers_to_a_burst(server)


# The kernel refuses to cut a message into parts that the device does not take.
def test_a_burst_is_answered_over_a_small_device(tmp_path):
    reason = mcns_server.unavailable(namespace=True)
    if reason:
        pytest.skip(reason)
    with Namespace() as namespace:
        namespace.run("ip", "link", "set", "lo", "mtu", "400")
        with McnsServer(tmp_path, zones={"example.test": ZONE}, namespace=namespace) as server:
            answers_to_a_burst(server)


def test_datagrams_that_are_too_long_are_no_questions(server):
    with server.udp() as client:
        client.send(question(1, NAME, "A") + bytes(8000))
        client.send(question(2, NAME, "A"))
        assert client.recv(4096)[:2] == b"\0\2"
