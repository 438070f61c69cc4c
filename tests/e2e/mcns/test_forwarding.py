"""Names that are not ours: upstreams that fail, die, or are ourselves, and who may ask at all."""
import contextlib
import statistics
import time

import dns.flags
import dns.rcode
import mcns_server
import pytest
from dns_upstream import DnsUpstream, Relay, answer, refusal
from mcns_server import McnsServer, Namespace, eventually, extended_errors, texts
from name_servers import question

ZONE = """$TTL 300
@    SOA ns1 admin 0 3600 600 604800 300
     NS  ns1
ns1  A   192.0.2.1
www  A   192.0.2.10
"""
ZONES = {"example.test": ZONE}
GOOD = "198.51.100.80"
# RFC 8914.
STALE_ANSWER, CACHED_ERROR, PROHIBITED, NOT_AUTHORITATIVE = 3, 13, 18, 20
NO_REACHABLE_AUTHORITY, NETWORK_ERROR = 22, 23


def good(query):
    return answer(query, 60, "A", GOOD)


@pytest.fixture
def make(tmp_path):
    """Starts servers, and ends them."""
    reason = mcns_server.unavailable()
    if reason:
        pytest.skip(reason)
    with contextlib.ExitStack() as stack:
        def start(*upstreams, name="server", **tables):
            tables.setdefault("dns", {"upstreams": [each.address for each in upstreams]})
            return stack.enter_context(McnsServer(tmp_path / name, zones=ZONES, **tables))
        yield start


@pytest.fixture
def upstream():
    with DnsUpstream(good) as running:
        yield running


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
def test_a_failure_of_an_upstream_is_never_served_again(make, upstream, rcode):
    server = make(upstream)
    upstream.handler = lambda query: refusal(query, rcode)
    for asked in range(1, 4):  # each time it is the upstream that says so
        response = server.ask("www.elsewhere.net", "A")
        assert response.rcode() == dns.rcode.SERVFAIL
        assert extended_errors(response)
        assert len(upstream.questions) >= asked

    upstream.handler = good
    response = server.ask("www.elsewhere.net", "A")
    assert response.rcode() == dns.rcode.NOERROR
    assert texts(response, "A") == [GOOD]

    # What is good is kept, also while it fails again.
    upstream.handler = lambda query: refusal(query, rcode)
    before = len(upstream.questions)
    assert texts(server.ask("www.elsewhere.net", "A"), "A") == [GOOD]
    assert len(upstream.questions) == before


def test_a_failure_is_kept_when_the_configuration_says_so(make, upstream):
    server = make(upstream, cache={"failure_ttl": "5s"})
    upstream.handler = lambda query: refusal(query, "SERVFAIL")
    assert server.ask("www.elsewhere.net", "A").rcode() == dns.rcode.SERVFAIL
    before = len(upstream.questions)
    kept = server.ask("www.elsewhere.net", "A")
    assert kept.rcode() == dns.rcode.SERVFAIL and extended_errors(kept) == [CACHED_ERROR]
    assert len(upstream.questions) == before


def test_special_names_need_no_upstream(make):
    server = make(dns={"upstreams": [], "fallback_upstreams": []})
    assert texts(server.ask("localhost", "A"), "A") == ["127.0.0.1"]
    for name in ("name.onion", "1.1.168.192.in-addr.arpa"):
        assert server.ask(name, "A").rcode() == dns.rcode.NXDOMAIN
    assert server.ask("www.elsewhere.net", "A").rcode() == dns.rcode.SERVFAIL


def test_the_first_answer_says_the_ttl_of_the_next(make, upstream):
    upstream.handler = lambda query: answer(query, 86400, "A", GOOD)
    server = make(upstream, cache={"max_ttl": "100s"})
    first, second = (server.ask("www.elsewhere.net", "A").answer[0].ttl for _ in range(2))
    assert first == 100 and second in (99, 100)


def test_a_failure_of_one_upstream_is_asked_of_another(make, upstream):
    with DnsUpstream(lambda query: refusal(query, "SERVFAIL")) as broken:
        server = make(broken, upstream)
        for i in range(5):
            assert texts(server.ask(f"www{i}.elsewhere.net", "A"), "A") == [GOOD]
        assert broken.questions


def local_cost_ns(server, lots=200, at_once=50):
    """What the worker uses for one answer from our zones, the median of five times so many lots. None
    is lost. Many at once, as what it costs to wake up depends on who else is at work."""
    packet = question(7, "www.example.test", "A")
    costs = []
    with server.udp() as client:
        for _ in range(5):
            before = server.worker_cpu_ns()
            for _ in range(lots):
                for _ in range(at_once):
                    client.send(packet)
                for _ in range(at_once):
                    assert client.recv(4096)[6:8] == b"\0\1"
            costs.append((server.worker_cpu_ns() - before) / (lots * at_once))
    return statistics.median(costs)


def state_of(server, upstream):
    status = server.cli_json("status", code=None)
    return next(each["state"] for each in status["upstreams"]
                if upstream.address in each["upstream"])


# MCNS-A7: With every upstream dead old answers are served and our zones go on at their rate, and the
# status ends with 1; what failed is never served again from memory, an upstream that leads back to us
# is found and disabled, and a public client is refused what is not ours (the tests around this one).
def test_without_any_upstream_old_answers_and_our_zones_stay(make, upstream):
    with DnsUpstream(good) as other:
        server = make(upstream, other, cache={"max_ttl": "1s", "stale_after": "200ms"})
        assert texts(server.ask("www.elsewhere.net", "A"), "A") == [GOOD]
        eventually(lambda: server.cli("status", code=None).returncode == 0, "healthy")
        cost = local_cost_ns(server)
        time.sleep(1.1)  # the TTL of what was answered
        for each in (upstream, other):
            each.stop()

        with server.udp() as client:  # questions that nobody can answer, all the time
            for i in range(200):
                client.send(question(i, f"n{i}.elsewhere.net", "A", recursion=True))
            dead_cost = local_cost_ns(server)
        print(f"an answer of ours: {cost:.0f} ns, with dead upstreams {dead_cost:.0f} ns")
        assert dead_cost <= 1.5 * cost

        response = server.ask("www.elsewhere.net", "A")
        assert texts(response, "A") == [GOOD]
        assert response.answer[0].ttl == 30
        assert STALE_ANSWER in extended_errors(response)
        failed = server.ask("other.elsewhere.net", "A")
        assert failed.rcode() == dns.rcode.SERVFAIL
        assert {NO_REACHABLE_AUTHORITY, NETWORK_ERROR} & set(extended_errors(failed))

        eventually(lambda: state_of(server, upstream) == state_of(server, other) == "down",
                   "both upstreams are down")
        told = server.cli("status", code=1)
        assert "all upstreams are down" in told.stdout
        assert server.cli_json("status", code=1)["state"] == "degraded"

        other.start()  # and it is found again without anybody's help
        eventually(lambda: state_of(server, other) == "up", "it is back")
        assert texts(server.ask("third.elsewhere.net", "A"), "A") == [GOOD]
        server.cli("status", code=0)


def test_an_upstream_that_leads_back_to_us_is_found_and_disabled(make, upstream):
    server = make()
    with Relay(server.port) as relay:
        server.cli("forward", "set", ".", relay.address, upstream.address)
        eventually(lambda: state_of(server, relay) == "loop", "the loop is found", timeout_s=15)
        for i in range(5):
            assert texts(server.ask(f"www{i}.elsewhere.net", "A"), "A") == [GOOD]
        told = server.cli_json("status", code=1)
        assert any("is this server itself" in problem for problem in told["problems"])


@pytest.mark.parametrize("listen", ["127.0.0.1:{}", ":{}"])
def test_an_upstream_that_is_our_own_address_is_refused(tmp_path, listen):
    server = McnsServer(tmp_path, zones=ZONES)
    own = f"127.0.0.1:{server.port}"
    server.write_config(dns={"upstreams": [own], "listen_addr": [listen.format(server.port)]})
    try:
        with pytest.raises(AssertionError, match="mcns ended with"):
            server.start()
        assert own in server.log_text()
    finally:
        if server.process is not None:
            server.kill()


def test_two_servers_that_ask_each_other_end_it(make):
    first = make(name="first")
    second = make(name="second", dns={"upstreams": [f"127.0.0.1:{first.port}"]})
    first.cli("forward", "set", ".", f"127.0.0.1:{second.port}")
    begun = time.monotonic()
    assert first.ask("www.elsewhere.net", "A").rcode() == dns.rcode.SERVFAIL
    assert time.monotonic() - begun < 6
    for server in (first, second):
        assert texts(server.ask("www.example.test", "A"), "A") == ["192.0.2.10"]


PUBLIC, PRIVATE = "203.0.113.7", "10.1.2.3"


def test_a_public_client_is_refused_what_is_not_ours(tmp_path):
    reason = mcns_server.unavailable(namespace=True)
    if reason:
        pytest.skip(reason)
    with Namespace() as namespace:
        for address in (PUBLIC, PRIVATE):
            namespace.add_address(f"{address}/32")
        with namespace.call(lambda: DnsUpstream(good).__enter__()) as upstream, \
                McnsServer(tmp_path, zones=ZONES, namespace=namespace,
                           dns={"upstreams": [upstream.address]}) as server:
            assert texts(server.ask("www.elsewhere.net", "A", source=PRIVATE), "A") == [GOOD]
            asked = len(upstream.questions)
            for name in ("www.elsewhere.net", "new.elsewhere.net"):  # in memory, and not
                response = server.ask(name, "A", source=PUBLIC)
                assert response.rcode() == dns.rcode.REFUSED
                assert not response.answer and not response.flags & dns.flags.RA
                assert {PROHIBITED, NOT_AUTHORITATIVE} & set(extended_errors(response))
            assert "status: REFUSED" in server.dig("new.elsewhere.net", "-b", PUBLIC, "+tcp")
            assert len(upstream.questions) == asked
            assert texts(server.ask("www.example.test", "A", source=PUBLIC), "A") == ["192.0.2.10"]
