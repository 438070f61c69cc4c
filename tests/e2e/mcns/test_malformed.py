"""What is no question, is half of one, or was made to do harm."""
import contextlib
import socket
import struct

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import mcns_server
import pytest
from mcns_server import ROOT, McnsServer, make_query, receive_octets, send_message, texts
from name_servers import question, wire_name

ZONE = """$TTL 300
@    SOA ns1 admin 0 3600 600 604800 300
     NS  ns1
ns1  A   192.0.2.1
www  A   192.0.2.10
"""
NAME = "www.example.test"
CORPORA = sorted(each for each in (ROOT / "fuzz/corpus").glob("mcns_*/*") if each.is_file())
ROUNDS = 20
WARM_ROUND = 5  # by then every buffer has the size that it needs
GROWTH_KIB = 128  # a few pages of the allocator


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    reason = mcns_server.unavailable()
    if reason:
        pytest.skip(reason)
    with McnsServer(tmp_path_factory.mktemp("server"), zones={"example.test": ZONE}) as running:
        yield running


def packet(name=wire_name(NAME), flags=0, counts=(1, 0, 0, 0), dns_type=1, dns_class=1, rest=b""):
    return (struct.pack("!HHHHHH", 0x1234, flags, *counts) + name +
            struct.pack("!HH", dns_type, dns_class) + rest)


OPT = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)
A_RECORD = wire_name(NAME) + struct.pack("!HHIH", 1, 1, 60, 4) + bytes(4)
DROPPED = None
# What is wrong -> octets, rcode.
MALFORMED = {
    "empty": (b"", DROPPED),
    "an octet": (b"\x12", DROPPED),
    "11 octets": (packet()[:11], DROPPED),
    "a response": (packet(flags=0x8000), DROPPED),
    "a response that is cut short": (packet(flags=0x8180)[:14], DROPPED),
    "no question": (packet(counts=(0, 0, 0, 0))[:12], "FORMERR"),
    "no question, though octets of one": (packet(counts=(0, 0, 0, 0)), "FORMERR"),
    "two questions": (packet(counts=(2, 0, 0, 0), rest=packet()[12:]), "FORMERR"),
    "65535 questions": (packet(counts=(65535, 0, 0, 0)), "FORMERR"),
    "only a header": (packet()[:12], "FORMERR"),
    "a name that is cut short": (packet()[:18], "FORMERR"),
    "no type": (packet()[:-4], "FORMERR"),
    "half a class": (packet()[:-1], "FORMERR"),
    "a label of a reserved kind": (packet(b"\x41" + b"a" * 65 + b"\0"), "FORMERR"),
    "a label of the other reserved kind": (packet(b"\x80abc\0"), "FORMERR"),
    "a name of 256 octets": (packet((b"\x3f" + b"a" * 63) * 3 + b"\x3e" + b"a" * 62 + b"\0"),
                             "FORMERR"),
    "a pointer to itself": (packet(b"\xc0\x0c"), "FORMERR"),
    "a pointer loop": (packet(b"\1a\xc0\x0c"), "FORMERR"),
    "a forward pointer": (packet(b"\xc0\x20", rest=wire_name(NAME)), "FORMERR"),
    "a pointer into the header": (packet(b"\xc0\x04"), "FORMERR"),
    "a pointer loop in a record": (packet(counts=(1, 0, 0, 1), rest=b"\xc0\x22" + OPT[1:]),
                                   "FORMERR"),
    "a forward pointer in a record": (packet(counts=(1, 1, 0, 0), rest=b"\xc0\xff" + A_RECORD),
                                      "FORMERR"),
    "octets behind the question": (packet(rest=b"\0"), "FORMERR"),
    "octets behind the OPT record": (packet(counts=(1, 0, 0, 1), rest=OPT + b"more"), "FORMERR"),
    "a record that is cut short": (packet(counts=(1, 0, 1, 0), rest=A_RECORD[:-1]), "FORMERR"),
    "a record that is missing": (packet(counts=(1, 0, 0, 2), rest=OPT), "FORMERR"),
    "two OPT records": (packet(counts=(1, 0, 0, 2), rest=OPT * 2), "FORMERR"),
    "an OPT record of a name": (packet(counts=(1, 0, 0, 1), rest=b"\1a" + OPT), "FORMERR"),
    "an OPT record as an answer": (packet(counts=(1, 1, 0, 0), rest=OPT), "FORMERR"),
    "an option that is cut short": (packet(counts=(1, 0, 0, 1), rest=OPT[:-2] + b"\0\4\0\3\0\1"),
                                    "FORMERR"),
    "inverse query": (packet(flags=1 << 11), "NOTIMP"),
    "status": (packet(flags=2 << 11), "NOTIMP"),
    "stateful operation": (packet(flags=6 << 11), "NOTIMP"),
    "opcode 15": (packet(flags=15 << 11), "NOTIMP"),
    "unknown opcode without a question": (packet(flags=15 << 11, counts=(0, 0, 0, 0))[:12],
                                          "NOTIMP"),
    "class CH": (packet(wire_name("version.bind"), dns_type=16, dns_class=3), "REFUSED"),
    "class HS": (packet(dns_class=4), "REFUSED"),
    "class ANY": (packet(dns_class=255), "REFUSED"),
    "class 0": (packet(dns_class=0), "REFUSED"),
    "EDNS of version 1": (packet(counts=(1, 0, 0, 1), rest=b"\0" + struct.pack(
        "!HHIH", 41, 1232, 1 << 16, 0)), "BADVERS"),
}


def answers_over_udp(server, octets):
    """The response to these octets, or None when they were dropped: a good question that is asked
    behind them on the same socket is answered first."""
    marker = question(0x4321, NAME, "A")
    with server.udp() as client:
        client.send(octets)
        client.send(marker)
        first = client.recv(4096)
        if first[:2] == marker[:2]:
            return None
        assert client.recv(4096)[:2] == marker[:2]
        return first


def check_response(octets, sent, rcode):
    opcode = (sent[2] >> 3) & 15
    number, flags, _, answers = struct.unpack("!HHHH", octets[:8])
    assert number == 0x1234 and flags & dns.flags.QR and not answers
    assert (flags >> 11) & 15 == opcode
    if opcode not in list(dns.opcode.Opcode):  # then it does not read it
        assert dns.rcode.to_text(flags & 15) == rcode
        return
    response = dns.message.from_wire(octets)
    assert dns.rcode.to_text(response.rcode()) == rcode, response
    assert len(octets) <= len(sent) + 64, "an error is no means of amplification"


def still_answers(server):
    assert server.is_running(), server.log_text()
    assert texts(server.ask(NAME, "A"), "A") == ["192.0.2.10"]
    with server.tcp() as stream:
        send_message(stream, make_query(NAME, "A"))
        assert texts(dns.message.from_wire(receive_octets(stream)), "A") == ["192.0.2.10"]


def throw(server, octets):
    """Over UDP and TCP, and over TCP as a whole stream, whatever it may begin with."""
    with server.udp() as client:
        if len(octets) < 60000:
            client.send(octets)
        with server.tcp() as framed, server.tcp() as raw:
            for stream, begin in ((framed, len(octets).to_bytes(2, "big")), (raw, b"")):
                with contextlib.suppress(OSError):  # it may end the connection in between
                    stream.sendall(begin + octets)
                    stream.shutdown(socket.SHUT_WR)
        # Something behind it on the same socket, so that it has been read when that is answered.
        client.send(question(0x4321, NAME, "A"))
        while client.recv(65535)[:2] != b"\x43\x21":
            pass


@pytest.mark.parametrize("what", MALFORMED)
def test_each_kind_of_malformed_packet(server, what):
    octets, rcode = MALFORMED[what]
    response = answers_over_udp(server, octets)
    if rcode is DROPPED:
        assert response is None
        with server.tcp() as stream:
            send_message(stream, octets)
            assert receive_octets(stream) is None
    else:
        check_response(response, octets, rcode)
        with server.tcp() as stream:
            send_message(stream, octets)
            check_response(receive_octets(stream), octets, rcode)
    still_answers(server)


@pytest.mark.parametrize("opcode", ["NOTIFY", "UPDATE"])
def test_what_is_not_offered_is_said_so(server, opcode):
    query = make_query("example.test", "SOA")
    query.set_opcode(dns.opcode.from_text(opcode))
    check = dns.message.from_wire(answers_over_udp(server, query.to_wire()))
    assert check.rcode() == dns.rcode.NOTIMP and check.opcode() == query.opcode()


def test_a_transfer_over_udp_is_malformed_and_over_tcp_refused(server):
    octets = packet(wire_name("example.test"), dns_type=252)
    check_response(answers_over_udp(server, octets), octets, "FORMERR")
    with server.tcp() as stream:
        send_message(stream, octets)
        check_response(receive_octets(stream), octets, "REFUSED")


# MCNS-A15: After 20 rounds of every malformed packet and of all files of the fuzz corpora, over UDP
# and TCP, the same process answers as before, and its memory is what it was after 5.
def test_malformed_packets_and_corpora_leave_nothing_behind(server):
    assert len(CORPORA) > 50
    thrown = [octets for octets, _ in MALFORMED.values()]
    thrown.append(packet(wire_name("example.test"), dns_type=252))
    thrown += [each.read_bytes() for each in CORPORA]
    process = server.process.pid
    memory = []
    for _ in range(ROUNDS):
        for octets in thrown:
            throw(server, octets)
        memory.append(server.rss_kib())
    still_answers(server)
    assert server.process.pid == process
    assert memory[-1] <= memory[WARM_ROUND - 1] + GROWTH_KIB, memory
