"""ALIAS records: a name that has the addresses of another one, which is ours or somebody else's."""
import dns.flags
import dns.rcode
import mcns_server
import pytest
from dns_upstream import DnsUpstream, answer, refusal
from mcns_server import McnsServer, extended_errors, records, texts
from name_servers import Bind, somebody_else

OURS = """$TTL 300
@       SOA   ns1 admin 0 3600 600 604800 60
        NS    ns1
        ALIAS www.elsewhere.net.
        MX    10 mail
ns1     A     192.0.2.1
www 90  A     192.0.2.10
near    ALIAS www
mail    CNAME @
nothing ALIAS gone.elsewhere.net.
post    MX    10 near
        MX    20 @
a       ALIAS b
b       ALIAS a
"""
ELSEWHERE = """$TTL 200
@         SOA   ns1 admin 7 3600 600 604800 60
          NS    ns1
ns1       A     198.51.100.1
www   100 CNAME host
host      A     198.51.100.80
host      AAAA  2001:db8::80
far       CNAME host.faraway.org.
back      CNAME www.example.test.
"""
FAR = "198.51.100.80"
OTHER = "198.51.100.81"
STALE_ANSWER, NO_REACHABLE_AUTHORITY, NETWORK_ERROR = 3, 22, 23


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    reason = mcns_server.unavailable() or Bind.unavailable()
    if reason:
        pytest.skip(reason)
    with somebody_else(tmp_path_factory.mktemp("elsewhere"), "elsewhere.net.", ELSEWHERE) as bind:
        yield bind


@pytest.fixture(scope="module")
def server(elsewhere, tmp_path_factory):
    """One that lets nobody ask for other names than its own."""
    with McnsServer(tmp_path_factory.mktemp("ours"), zones={"example.test": OURS},
                    dns={"upstreams": [f"127.0.0.1:{elsewhere.port}"],
                         "allow_recursion": ["none"]}) as running:
        yield running


@pytest.mark.parametrize("recursion", [True, False])
def test_the_addresses_of_the_target_are_those_of_the_name(server, recursion):
    for _ in range(2):  # from the upstream, and from the cache
        response = server.ask("example.test", "A", recursion)
        assert response.rcode() == dns.rcode.NOERROR
        assert response.flags & dns.flags.AA and not response.flags & dns.flags.RA
        assert records(response) == [f"example.test. A {FAR}"]
        assert response.answer[0].ttl in (99, 100)  # of the CNAME on the way
        assert not response.authority
    assert texts(server.ask("example.test", "AAAA", recursion), "AAAA") == ["2001:db8::80"]
    assert texts(server.ask("example.test", "MX", recursion), "MX") == ["10 mail.example.test."]
    assert records(server.ask("mail.example.test", "A", recursion)) == [
        "mail.example.test. CNAME example.test.", f"example.test. A {FAR}"]
    near = server.ask("near.example.test", "A", recursion)
    assert records(near) == ["near.example.test. A 192.0.2.10"]
    assert near.answer[0].ttl == 90
    # Nothing else of the target's is ours to tell.
    assert server.ask("www.elsewhere.net", "A", recursion).rcode() == dns.rcode.REFUSED


def test_a_host_has_the_addresses_that_our_zones_know(server):
    response = server.ask("post.example.test", "MX")
    assert [rrset.to_text() for rrset in response.additional] == [
        "near.example.test. 90 IN A 192.0.2.10"]  # of the other one somebody else knows


def test_dig_sees_plain_addresses(server):
    for transport in ("+notcp", "+tcp"):
        said = server.dig("example.test", "A", "+norecurse", transport)
        assert "status: NOERROR" in said and FAR in said and "ALIAS" not in said


def test_what_is_not_there_takes_no_name_away(server):
    for name in ("nothing", "a"):  # a target that is not there, and a loop
        response = server.ask(f"{name}.example.test", "A")
        assert response.rcode() == dns.rcode.NOERROR and response.flags & dns.flags.AA
        assert not response.answer
        assert str(response.authority[0].name) == "example.test."
    for dns_type in ("TYPE65401", "ANY"):
        response = server.ask("near.example.test", dns_type)
        assert response.rcode() == dns.rcode.NOERROR
        assert not texts(response, "TYPE65401")


def test_it_is_written_shown_and_taken_back_as_any_record(server, tmp_path):
    refused = server.cli("record", "add", "example.test", "www", "ALIAS", "host", code=None)
    assert refused.returncode != 0
    assert "the addresses of a name come from its ALIAS" in refused.stderr
    server.cli("record", "add", "example.test", "new", "ALIAS", "www")
    assert texts(server.ask("new.example.test", "A"), "A") == ["192.0.2.10"]
    exported = server.cli("export", "example.test").stdout
    assert "new IN ALIAS www\n" in exported

    zone = tmp_path / "example.zone"
    zone.write_text(exported.replace("new IN ALIAS www\n", "new IN ALIAS ns1\n"))
    server.cli("import", "--replace", str(zone))
    assert texts(server.ask("new.example.test", "A"), "A") == ["192.0.2.1"]
    told = server.cli("explain", "new.example.test", "A").stdout
    assert "ALIAS" in told and "alias" in told and "ns1.example.test." in told


def test_what_an_upstream_only_leads_to_is_asked_for(elsewhere, tmp_path):
    zone = OURS + "far ALIAS far.elsewhere.net.\nback ALIAS back.elsewhere.net.\n"
    with DnsUpstream(lambda query: answer(query, 40, "A", OTHER)) as upstream, \
            McnsServer(tmp_path, zones={"example.test": zone},
                       dns={"upstreams": [f"127.0.0.1:{elsewhere.port}"]}) as server:
        server.cli("forward", "set", "faraway.org", upstream.address)
        # A client goes on by itself.
        assert records(server.ask("far.elsewhere.net", "A")) == [
            "far.elsewhere.net. CNAME host.faraway.org."]
        for _ in range(2):
            far = server.ask("far.example.test", "A", recursion=False)
            assert records(far) == [f"far.example.test. A {OTHER}"]
            assert far.answer[0].ttl in (39, 40)
        assert upstream.questions.count("host.faraway.org. A") == 1
        assert OTHER in server.dig("far.example.test", "A", "+norecurse")
        assert texts(server.ask("back.example.test", "A"), "A") == ["192.0.2.10"]  # ours again


def test_a_failure_is_told_with_its_reason_and_an_old_answer_is_better(tmp_path):
    with DnsUpstream(lambda query: answer(query, 1, "A", FAR)) as upstream, \
            McnsServer(tmp_path, zones={"example.test": OURS},
                       dns={"upstreams": [upstream.address]}) as server:
        assert texts(server.ask("example.test", "A"), "A") == [FAR]
        upstream.handler = lambda query: refusal(query, "SERVFAIL")

        mcns_server.eventually(
            lambda: STALE_ANSWER in extended_errors(server.ask("example.test", "A")), "it is old")
        stale = server.ask("example.test", "A", recursion=False)
        assert texts(stale, "A") == [FAR] and stale.answer[0].ttl == 30
        failed = server.ask("example.test", "AAAA")
        assert failed.rcode() == dns.rcode.SERVFAIL
        assert {NO_REACHABLE_AUTHORITY, NETWORK_ERROR} & set(extended_errors(failed))
