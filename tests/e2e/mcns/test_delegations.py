"""Names below a delegation in a zone of ours: asked of the servers that it names, which are other
people's, on port 53 of loopback."""
import contextlib
import os
import signal

import dns.flags
import dns.message
import dns.query
import dns.rcode
import mcns_server
import pytest
from dns_upstream import DnsUpstream, answer
from mcns_server import McnsServer, eventually, extended_errors, records, texts
from name_servers import Knot, Nsd, PowerDns

NETWORK = f"127.53.{os.getpid() % 250 + 1}"
CHILD, DEEP, DEAD, OTHER = (f"{NETWORK}.{last}" for last in (1, 2, 3, 4))
FAR = "198.51.100.80"
STALE_ANSWER, NO_REACHABLE_AUTHORITY = 3, 22

OURS = f"""$TTL 300
@           SOA   ns1 admin 0 3600 600 604800 60
            NS    ns1
ns1         A     192.0.2.1
www         A     192.0.2.10
child       NS    dead.child
            NS    ns.child
            DS    12345 13 2 {"ab" * 32}
ns.child    A     {CHILD}
dead.child  A     {DEAD}
far         NS    ns.elsewhere.net.
gone        NS    dead.child
lame        NS    ns.child
to-child    CNAME www.child
is-child    ALIAS www.child
"""
CHILD_FILE = f"""$TTL 200
@         SOA   ns hostmaster 7 3600 600 604800 60
          NS    ns
ns        A     {CHILD}
www       A     198.51.100.1
          A     198.51.100.2
mail      MX    10 www
          MX    20 www.example.test.
big       TXT   "{'" "'.join("x" * 200 for _ in range(20))}"
*.wild    A     198.51.100.3
a.b.ent   A     198.51.100.4
inside    CNAME www
home      CNAME www.example.test.
out       CNAME www.elsewhere.net.
dname     DNAME wild
nested    CNAME y.sub
y.sub     A     198.51.100.66
unsaid    CNAME z.sub
deeper    CNAME www.deep
deep      NS    ns.deep
ns.deep   A     {DEEP}
"""
DEEPS = f"""$TTL 200
@    SOA   ns hostmaster 7 3600 600 604800 60
     NS    ns
ns   A     {DEEP}
www  A     198.51.100.9
"""


@contextlib.contextmanager
def serving(kind, folder, at, zones):
    """A server of these zones (origin -> text) on port 53 of that address."""
    folder.mkdir()
    files = {}
    for origin, text in zones.items():
        files[origin] = folder / f"{origin}zone"
        files[origin].write_text(text)
    with kind(folder, files, at=(at, 53)) as running:
        running.wait(next(iter(zones)), "SOA")
        yield running


@pytest.fixture(scope="module", params=[Nsd, Knot, PowerDns], ids=lambda kind: kind.name)
def child(request, tmp_path_factory):
    """Serves child.example.test, and another of the same kind what is delegated in there."""
    reason = (mcns_server.unavailable() or request.param.unavailable() or
              ("port 53 takes root" if os.geteuid() != 0 else None))
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("child")
    with serving(request.param, folder / "child", CHILD, {"child.example.test.": CHILD_FILE}) as it:
        with serving(request.param, folder / "deep", DEEP, {"deep.child.example.test.": DEEPS}):
            yield it


@pytest.fixture(scope="module")
def elsewhere():
    """The upstream of everything else: it knows where the servers of far.example.test are."""
    def say(query):
        address = CHILD if query.question[0].name.to_text() == "ns.elsewhere.net." else FAR
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        return (answer(query, 60, "A", address) if kind == "A"
                else dns.message.make_response(query, recursion_available=True))
    with DnsUpstream(say) as running:
        yield running


@pytest.fixture
def make(child, elsewhere, tmp_path):  # pylint: disable=unused-argument
    """Starts servers, and ends them."""
    with contextlib.ExitStack() as stack:
        def start(dns=(), **tables):
            return stack.enter_context(
                McnsServer(tmp_path / "server", zones={"example.test": OURS},
                           dns={"upstreams": [elsewhere.address], **dict(dns)}, **tables))
        yield start


def ask_directly(address, name, dns_type):
    query = dns.message.make_query(name, dns_type, use_edns=0, payload=1232)
    query.flags &= ~dns.flags.RD
    response, _ = dns.query.udp_with_fallback(query, address, timeout=10)
    return response


def is_referral(response, servers=2):
    return (not response.answer and not response.flags & dns.flags.AA and
            response.rcode() == dns.rcode.NOERROR and
            len(texts(response, "NS", "authority")) == servers)


def test_a_client_gets_what_the_child_says(make):
    """The differential part: the same answer as whoever asks the child itself."""
    server = make()
    for name, dns_type in (("", "SOA"), ("", "NS"), ("www", "A"), ("www", "AAAA"), ("mail", "MX"),
                           ("x.wild", "A"), ("x.y.wild", "A"), ("b.ent", "A"), ("ent", "MX"),
                           ("gone", "A"), ("a.gone", "TXT"), ("inside", "A"), ("inside", "CNAME"),
                           ("x.dname", "A"), ("dname", "DNAME"), ("out", "CNAME"), ("ns", "A")):
        name = f"{name}.child.example.test".lstrip(".")
        theirs = ask_directly(CHILD, name, dns_type)
        for _ in range(2):  # from the child, and from the cache
            ours = server.ask(name, dns_type)
            assert ours.rcode() == theirs.rcode(), (name, dns_type)
            assert sorted(records(ours)) == sorted(records(theirs)), (name, dns_type)
            assert texts(ours, "SOA", "authority") == texts(theirs, "SOA", "authority")
            assert ours.flags & dns.flags.RA
            assert not ours.flags & (dns.flags.AA | dns.flags.AD)


def test_what_does_not_fit_is_fetched_over_tcp(make):
    server = make()
    assert "x" * 200 in server.dig("big.child.example.test", "TXT", "+ignore", "+tcp")
    assert server.ask("big.child.example.test", "TXT").flags & dns.flags.TC


def test_without_the_wish_or_the_right_it_stays_a_referral(make):
    server = make()
    assert server.ask("www.child.example.test", "A").answer
    refused = server.ask("www.child.example.test", "A", recursion=False)
    assert is_referral(refused)
    assert texts(refused, "A", "additional") == [CHILD, DEAD]
    server.write_config(dns={"allow_recursion": ["none"]})
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: is_referral(server.ask("www.child.example.test", "A")), "no right")


def test_it_can_be_turned_off_while_it_serves(make):
    server = make()
    assert server.ask("www.child.example.test", "A").answer
    server.write_config(dns={"follow_delegations": False})
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: is_referral(server.ask("www.child.example.test", "A")), "a referral")


def test_the_ds_of_the_cut_is_ours(make):
    response = make().ask("child.example.test", "DS")
    assert response.flags & dns.flags.AA
    assert len(texts(response, "DS")) == 1


def test_referrals_of_the_child_are_followed(make):
    server = make()
    assert texts(server.ask("www.deep.child.example.test", "A"), "A") == ["198.51.100.9"]
    assert server.ask("gone.deep.child.example.test", "A").rcode() == dns.rcode.NXDOMAIN
    assert records(server.ask("deeper.child.example.test", "A")) == [
        "deeper.child.example.test. CNAME www.deep.child.example.test.",
        "www.deep.child.example.test. A 198.51.100.9"]


def test_chains_lead_down_out_and_home(make):
    server = make()
    assert records(server.ask("to-child.example.test", "A"))[0] == (
        "to-child.example.test. CNAME www.child.example.test.")
    assert texts(server.ask("to-child.example.test", "A"), "A") == ["198.51.100.1", "198.51.100.2"]
    assert records(server.ask("out.child.example.test", "A")) == [
        "out.child.example.test. CNAME www.elsewhere.net.", f"www.elsewhere.net. A {FAR}"]
    home = ["home.child.example.test. CNAME www.example.test.", "www.example.test. A 192.0.2.10"]
    assert records(server.ask("home.child.example.test", "A")) == home

    # What is ours shows at once, whoever leads to it.
    server.cli("record", "set", "example.test", "www", "A", "192.0.2.11")
    assert texts(server.ask("home.child.example.test", "A"), "A") == ["192.0.2.11"]


def test_a_zone_of_ours_inside_of_the_delegation_is_ours_along_chains(make):
    server = make()
    server.cli("zone", "create", "sub.child.example.test", "--ns", "ns1")
    for name in ("y", "z"):
        server.cli("record", "set", "sub.child.example.test", name, "A", "192.0.2.7")
    for name in ("nested", "unsaid"):  # the child has an address for it, or denies it
        for _ in range(2):
            response = server.ask(f"{name}.child.example.test", "A")
            assert response.rcode() == dns.rcode.NOERROR
            assert texts(response, "A") == ["192.0.2.7"]


def test_a_forward_inside_of_the_delegation_is_asked_along_chains(make):
    with DnsUpstream(lambda query: answer(query, 60, "A", "203.0.113.7")) as forward:
        server = make()
        server.cli("forward", "set", "sub.child.example.test", forward.address)
        for name in ("nested", "unsaid"):
            assert texts(server.ask(f"{name}.child.example.test", "A"), "A") == ["203.0.113.7"]


def test_an_alias_has_the_addresses_of_the_child_for_everybody(make):
    server = make(dns={"allow_recursion": ["none"]})
    response = server.ask("is-child.example.test", "A", recursion=False)
    assert response.flags & dns.flags.AA
    assert {str(rrset.name) for rrset in response.answer} == {"is-child.example.test."}
    assert texts(response, "A") == ["198.51.100.1", "198.51.100.2"]


def test_a_server_without_glue_is_looked_up(make, tmp_path, child):
    server = make()
    # It does not serve that zone, so this ends in words; that it was found shows in them.
    response = server.ask("www.far.example.test", "A")
    assert response.rcode() == dns.rcode.SERVFAIL
    explained = server.cli("explain", "www.far.example.test", "A").stdout
    assert "ns.elsewhere.net. (to be looked up)" in explained
    assert f"udp://{CHILD}:53" in explained
    with serving(type(child), tmp_path / "far", OTHER,
                 {"far.example.test.": DEEPS.replace("ns  ", "@   ")}):
        server.cli("record", "set", "example.test", "far", "NS", "ns.far")
        server.cli("record", "add", "example.test", "ns.far", "A", OTHER)
        assert texts(server.ask("www.far.example.test", "A"), "A") == ["198.51.100.9"]


def test_nobody_there_or_lame_is_a_failure_with_its_reason(make):
    server = make()
    for zone in ("gone", "lame"):
        response = server.ask(f"www.{zone}.example.test", "A")
        assert response.rcode() == dns.rcode.SERVFAIL
        assert extended_errors(response) == [NO_REACHABLE_AUTHORITY]


def test_old_answers_are_better_than_none(make, tmp_path, child):
    server = make(cache={"max_ttl": "1s", "stale_after": "200ms"})
    server.cli("record", "set", "example.test", "gone", "NS", "ns.gone")
    server.cli("record", "add", "example.test", "ns.gone", "A", OTHER)
    with serving(type(child), tmp_path / "gone", OTHER,
                 {"gone.example.test.": DEEPS.replace("ns  ", "@   ")}):
        assert texts(server.ask("www.gone.example.test", "A"), "A") == ["198.51.100.9"]
    stale = eventually(lambda: STALE_ANSWER in extended_errors(
        response := server.ask("www.gone.example.test", "A")) and response, "it is past its time")
    assert texts(stale, "A") == ["198.51.100.9"]


@contextlib.contextmanager
def another_child(folder, child):
    """The same names with other addresses, at another address."""
    text = (CHILD_FILE.replace("198.51.100.1\n", "203.0.113.1\n")
            .replace("198.51.100.2", "203.0.113.2"))
    with serving(type(child), folder / "other", OTHER, {"child.example.test.": text}):
        yield


def test_another_ns_set_forgets_what_the_former_servers_said(make, tmp_path, child):
    server = make()
    assert texts(server.ask("www.child.example.test", "A"), "A") == ["198.51.100.1", "198.51.100.2"]
    with another_child(tmp_path, child):
        server.cli("record", "add", "example.test", "other.child", "A", OTHER)
        server.cli("record", "set", "example.test", "child", "NS", "other.child")
        response = server.ask("www.child.example.test", "A")
        assert texts(response, "A") == ["203.0.113.1", "203.0.113.2"]

        # Not delegated any more: there is nothing.
        server.cli("record", "rm", "example.test", "child", "NS")
        assert server.ask("www.child.example.test", "A").rcode() == dns.rcode.NXDOMAIN


def test_a_server_at_another_address_is_believed_at_once(make, tmp_path, child):
    server = make()
    assert texts(server.ask("www.child.example.test", "A"), "A") == ["198.51.100.1", "198.51.100.2"]
    with another_child(tmp_path, child):
        server.cli("record", "set", "example.test", "ns.child", "A", OTHER)
        response = server.ask("www.child.example.test", "A")
        assert texts(response, "A") == ["203.0.113.1", "203.0.113.2"]


def test_a_forward_for_the_zone_knows_better(make):
    with DnsUpstream(lambda query: answer(query, 60, "A", "203.0.113.7")) as forward:
        server = make()
        assert server.ask("www.child.example.test", "A").answer
        server.cli("forward", "set", "child.example.test", forward.address)
        assert texts(server.ask("www.child.example.test", "A"), "A") == ["203.0.113.7"]
        assert is_referral(server.ask("www.child.example.test", "A", recursion=False))
        assert "the upstreams of child.example.test." in server.cli(
            "explain", "www.child.example.test", "A").stdout
        server.cli("forward", "rm", "child.example.test")
        assert texts(server.ask("www.child.example.test", "A"), "A") != ["203.0.113.7"]


def test_explain_tells_whom_it_asks(make):
    server = make()
    explained = server.cli("explain", "www.child.example.test", "A").stdout
    assert "child.example.test." in explained
    assert f"ns.child.example.test. ({CHILD})" in explained
    assert f"udp://{CHILD}:53, which serves child.example.test., after" in explained
    assert "is in it" in server.cli("explain", "www.child.example.test", "A").stdout


def test_explain_says_when_no_address_is_known(make):
    server = make()
    server.cli("record", "set", "example.test", "noglue", "NS", "ns.noglue")
    assert "no address of a server of noglue.example.test. is known" in server.cli(
        "explain", "www.noglue.example.test", "A").stdout


def test_a_server_that_delegates_to_itself_says_so_at_once(tmp_path):
    if os.geteuid() != 0 or mcns_server.unavailable():
        pytest.skip("port 53 takes root")
    zone = OURS + f"loop NS ns.loop\nns.loop A {OTHER}\n"
    with McnsServer(tmp_path / "server", zones={"example.test": zone},
                    listen=f"{OTHER}:53") as server:
        server.port = 53
        response = server.ask("www.loop.example.test", "A", address=OTHER)
        assert response.rcode() == dns.rcode.SERVFAIL
        assert extended_errors(response) == [NO_REACHABLE_AUTHORITY]
