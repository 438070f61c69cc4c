"""Who is answered how often, by what proof of an address: response rate limiting and DNS cookies;
and what else clients ask for by EDNS options."""
import contextlib
import json
import re
import time
import urllib.request

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import mcns_server
import pytest
from dns_upstream import DnsUpstream, answer
from mcns_server import McnsServer, Namespace, eventually, make_query, texts
from name_servers import free_port

ZONE = """$TTL 300
@    SOA ns1 admin 2026112601 3600 600 604800 300
     NS  ns1
ns1  A   192.0.2.1
www  A   192.0.2.10
*.w  A   192.0.2.11
"""
NAME = "www.example.test"
COOKIE, KEEPALIVE, ZONE_VERSION = 10, 11, 19
CLIENT = bytes.fromhex("0123456789abcdef")
RATE = 5
FLOOD = 40
PUBLIC, PRIVATE = "203.0.113.7", "10.1.2.3"


@contextlib.contextmanager
def serving(folder, namespace=None, upstreams=(), **tables):
    reason = mcns_server.unavailable(namespace=namespace is not None)
    if reason:
        pytest.skip(reason)
    with McnsServer(folder, zones={"example.test": ZONE}, namespace=namespace,
                    dns={"upstreams": list(upstreams), "tcp_idle": "12s",
                         **tables.pop("dns", {})}, **tables) as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def upstream():
    with DnsUpstream(lambda query: answer(query, 300, "A", "198.51.100.80")) as running:
        yield running


@pytest.fixture
def limited(tmp_path, upstream):
    """Nobody is exempt; what is over the rate is dropped."""
    metrics = f"127.0.0.1:{free_port()}"
    with serving(tmp_path, upstreams=[upstream.address], metrics={"addr": metrics},
                 rrl={"rate": RATE, "errors": 2, "slip": 0, "exempt": []}) as running:
        running.metrics = metrics
        yield running


def query_with(name, *options):
    return dns.message.make_query(name, "A", use_edns=0, payload=1232,
                                  options=[dns.edns.GenericOption(*each) for each in options])


def option(response, code):
    """Its data; None when the response has none."""
    found = [each.to_wire() for each in response.options if int(each.otype) == code]
    return found[0] if found else None


def exchange(server, query, source=None):
    with server.udp(source=source) as client:
        client.send(query.to_wire())
        return dns.message.from_wire(client.recv(65535))


def flood(server, queries, source=None):
    """The responses to all of them, sent at once. A question with a valid cookie, which is always
    answered, is behind them: when its answer is there, so are all others."""
    learned = option(exchange(server, query_with(NAME, (COOKIE, CLIENT)), source), COOKIE)
    with server.udp(source=source) as client:
        for query in queries:
            client.send(query.to_wire())
        last = query_with("ns1.example.test", (COOKIE, learned))
        client.send(last.to_wire())
        responses = []
        while True:
            response = dns.message.from_wire(client.recv(65535))
            if response.id == last.id and response.question == last.question:
                return responses
            responses.append(response)


def ask_often(server, names, source=None):
    """How many of these questions are answered."""
    return len(flood(server, [make_query(name, "A") for name in names], source))


def is_about_the_rate(answered):
    """One may have gone before, and more come while a slow machine sends."""
    return RATE - 1 <= answered < FLOOD / 2


def limited_counts(server):
    with urllib.request.urlopen(f"http://{server.metrics}/metrics", timeout=20) as reply:
        text = reply.read().decode()
    return {action: int(count) for action, count in
            re.findall(r'mc_mcns_rrl_total\{action="(\w+)"\} (\d+)', text)}


# Cookies.

def test_dig_finds_its_cookie_good(server):
    for words in ((NAME,), ("gone.example.test",), ("elsewhere.net",), ("localhost",),
                  (NAME, "+tcp"), (NAME, "+badcookie"), ("version.bind", "TXT", "CH")):
        assert re.search(r"; COOKIE: [0-9a-f]{48} \(good\)", server.dig("+cookie", *words)), words
    assert "COOKIE" not in server.dig("+nocookie", NAME)


def test_forwarded_and_cached_answers_have_a_cookie(limited):
    for _ in range(2):
        assert "(good)" in limited.dig("+cookie", "www.elsewhere.net")


def test_a_cookie_is_given_without_a_question(server):
    query = query_with(NAME, (COOKIE, CLIENT))
    query.question = []
    response = exchange(server, query)
    assert response.rcode() == dns.rcode.NOERROR and not response.question
    assert len(option(response, COOKIE)) == 24
    assert "(good)" in server.dig("+cookie", "+header-only")


@pytest.mark.parametrize("size", [0, 7, 9, 15, 41])
def test_a_malformed_cookie_is_formerr(server, size):
    response = exchange(server, query_with(NAME, (COOKIE, bytes(size))))
    assert response.rcode() == dns.rcode.FORMERR
    assert option(response, COOKIE) is None


def test_a_cookie_outlives_its_process_and_is_the_same_for_who_has_the_database(tmp_path):
    with serving(tmp_path) as server:
        learned = option(exchange(server, query_with(NAME, (COOKIE, CLIENT))), COOKIE)
        made = int.from_bytes(learned[12:16], "big")
        eventually(lambda: time.time() > made + 1, "a cookie of now would be another one")
        server.kill()
        server.start()
        # One that is valid and fresh is sent back as it is.
        response = exchange(server, query_with(NAME, (COOKIE, learned)))
        assert option(response, COOKIE) == learned
        forged = learned[:-1] + bytes([learned[-1] ^ 1])
        replaced = option(exchange(server, query_with(NAME, (COOKIE, forged))), COOKIE)
        assert replaced not in (forged, learned) and replaced[:8] == CLIENT
        assert learned[8:].hex() not in server.log_text()


def test_without_cookies_there_are_none(tmp_path):
    with serving(tmp_path, dns={"cookies": False}) as server:
        for data in (CLIENT, b"short"):
            response = exchange(server, query_with(NAME, (COOKIE, data)))
            assert response.rcode() == dns.rcode.NOERROR and option(response, COOKIE) is None
        assert "(good)" not in server.dig("+cookie", NAME)


# Response rate limiting.

def test_a_name_is_answered_at_the_rate(limited):
    assert is_about_the_rate(ask_often(limited, ["ns1.example.test"] * FLOOD))


def test_made_up_names_are_one(limited):
    for zone in ("example.test", "w.example.test"):  # the latter has a wildcard
        assert is_about_the_rate(ask_often(limited, [f"n{i}.{zone}" for i in range(FLOOD)])), zone


def test_errors_have_a_rate_of_their_own(limited):
    refused = [make_query(f"n{i}.elsewhere.net", "A", recursion=False) for i in range(FLOOD)]
    responses = flood(limited, refused)
    assert {each.rcode() for each in responses} == {dns.rcode.REFUSED}
    assert 2 <= len(responses) < RATE


def test_what_is_not_ours_is_limited_too(limited, upstream):
    limited.ask("www.elsewhere.net", "A")
    asked = len(upstream.questions)
    assert is_about_the_rate(ask_often(limited, ["www.elsewhere.net"] * FLOOD)), "of the cache"
    assert len(upstream.questions) == asked


def test_answers_of_an_upstream_are_limited(limited):
    with limited.udp() as client:
        for kind in range(FLOOD):  # none of them is in memory
            client.send(make_query("www.elsewhere.net", f"TYPE{1000 + kind}").to_wire())
        eventually(lambda: limited_counts(limited)["dropped"] > FLOOD / 2, "most were dropped")
        client.settimeout(0.2)
        octets = []
        with contextlib.suppress(TimeoutError):
            while True:
                octets.append(client.recv(65535))
    assert octets and all(len(each) > 12 for each in octets)


def test_tcp_and_a_good_cookie_have_no_rate(limited):
    learned = option(exchange(limited, query_with(NAME, (COOKIE, CLIENT))), COOKIE)
    good = [query_with(NAME, (COOKIE, learned)) for _ in range(FLOOD)]
    assert len(flood(limited, good)) == FLOOD
    forged = [query_with(NAME, (COOKIE, CLIENT + bytes(16))) for _ in range(FLOOD)]
    assert len(flood(limited, forged)) < FLOOD / 2
    with limited.tcp() as stream:
        for _ in range(FLOOD):
            mcns_server.send_message(stream, make_query(NAME, "A"))
        for _ in range(FLOOD):
            assert texts(mcns_server.receive_message(stream), "A") == ["192.0.2.10"]


def test_metrics_count_what_was_limited(limited):
    answered = ask_often(limited, [NAME] * FLOOD)
    assert limited_counts(limited) == {"slipped": 0, "dropped": FLOOD - answered}


def test_what_slips_through_sends_its_client_to_tcp(tmp_path):
    with serving(tmp_path, rrl={"rate": RATE, "slip": 1, "exempt": []}) as server:
        responses = flood(server, [make_query(NAME, "A") for _ in range(FLOOD)])
        whole = [each for each in responses if not each.flags & dns.flags.TC]
        assert is_about_the_rate(len(whole)) and len(responses) == FLOOD
        cut = [each for each in responses if each.flags & dns.flags.TC]
        assert not any(each.answer or each.authority for each in cut)
        said = server.dig("+nocookie", NAME)
        assert "Truncated, retrying in TCP mode" in said and "192.0.2.10" in said


def test_dig_learns_its_cookie_when_it_is_over_the_rate(tmp_path):
    with serving(tmp_path, rrl={"rate": RATE, "slip": 1, "exempt": []}) as server:
        # One who speaks cookies, and has none yet, is told to come again with the one he gets.
        responses = flood(server, [query_with(NAME, (COOKIE, CLIENT)) for _ in range(FLOOD)])
        told = [each for each in responses if each.rcode() == dns.rcode.BADCOOKIE]
        assert len(responses) == FLOOD and FLOOD / 2 < len(told) <= FLOOD - RATE + 1
        assert not any(each.answer or each.flags & dns.flags.TC for each in told)
        assert all(len(option(each, COOKIE)) == 24 for each in told)

        # dig does, by UDP.
        ask_often(server, [NAME] * FLOOD)
        said = server.dig("+cookie", NAME)
        assert "BADCOOKIE, retrying" in said and "(good)" in said
        assert "(UDP)" in said and "192.0.2.10" in said
        ask_often(server, [NAME] * FLOOD)
        assert "status: BADCOOKIE" in server.dig("+cookie", "+nobadcookie", NAME)
        # A forged one is none.
        forged = exchange(server, query_with(NAME, (COOKIE, CLIENT + bytes(16))))
        assert forged.rcode() == dns.rcode.BADCOOKIE


def test_what_is_limited_is_in_the_log(tmp_path):
    with serving(tmp_path, rrl={"rate": RATE, "slip": 2, "exempt": []},
                 querylog={"mode": "errors"}) as server:
        answered = flood(server, [make_query(NAME, "A") for _ in range(FLOOD)])
        slipped = sum(bool(each.flags & dns.flags.TC) for each in answered)
        server.stop()
        lines = [json.loads(line) for line in
                 (server.folder / "queries.jsonl").read_text().splitlines()]
    assert {line["limited"] for line in lines} == {"slipped", "dropped"}
    assert all(line["name"] == f"{NAME}." and line["rcode"] == "NOERROR" for line in lines)
    assert sum(line["limited"] == "slipped" for line in lines) == slipped
    dropped = [line for line in lines if line["limited"] == "dropped"]
    assert len(dropped) == FLOOD - len(answered) and all(not line["bytes"] for line in dropped)


def test_private_networks_are_exempt_and_others_are_not(tmp_path):
    reason = mcns_server.unavailable(namespace=True)
    if reason:
        pytest.skip(reason)
    with Namespace() as namespace:
        for address in (PUBLIC, PRIVATE):
            namespace.add_address(f"{address}/32")
        with serving(tmp_path, namespace=namespace, rrl={"rate": RATE, "slip": 0}) as server:
            assert ask_often(server, [NAME] * FLOOD, PRIVATE) == FLOOD
            assert is_about_the_rate(ask_often(server, [NAME] * FLOOD, PUBLIC))
            assert "(good)" in server.dig("+cookie", NAME, "-b", PRIVATE)


# Other options.

def test_keepalive_is_told_over_tcp(server):
    assert "; TCP KEEPALIVE: 12.0 secs" in server.dig("+tcp", "+keepalive", NAME)
    assert "KEEPALIVE" not in server.dig("+keepalive", NAME)
    assert "KEEPALIVE" not in server.dig("+tcp", NAME)


def test_zone_version_is_the_serial(server):
    serial = int(server.dig("+short", "example.test", "SOA").split()[2])
    for name in (NAME, "gone.example.test"):
        response = exchange(server, query_with(name, (ZONE_VERSION, b"")))
        assert option(response, ZONE_VERSION) == b"\2\0" + serial.to_bytes(4, "big")
    response = exchange(server, query_with("localhost", (ZONE_VERSION, b"")))
    assert option(response, ZONE_VERSION) is None
    assert "OPT=19" in server.dig("+ednsopt=19", NAME)
