"""What a client is told about names of ours, and where they lead to."""
import dns.flags
import dns.rcode
import mcns_server
import pytest
from mcns_server import McnsServer, records, texts
from name_servers import Bind, somebody_else

OURS = """$TTL 300
@         SOA   ns1 admin 0 3600 600 604800 60
          NS    ns1
ns1       A     192.0.2.1
www       A     192.0.2.10
v6only    AAAA  2001:db8::1
host.deep A     192.0.2.11
alias     CNAME www
chain     CNAME alias
out       CNAME www.elsewhere.net.
dangling  CNAME gone
"""
ELSEWHERE = """$TTL 300
@         SOA   ns1 admin 7 3600 600 604800 60
          NS    ns1
ns1       A     198.51.100.1
www       CNAME host
host      A     198.51.100.80
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Somebody else's name server with a zone that is not ours."""
    reason = mcns_server.unavailable() or Bind.unavailable()
    if reason:
        pytest.skip(reason)
    with somebody_else(tmp_path_factory.mktemp("elsewhere"), "elsewhere.net.", ELSEWHERE) as bind:
        yield bind


@pytest.fixture(scope="module")
def server(elsewhere, tmp_path_factory):
    with McnsServer(tmp_path_factory.mktemp("ours"), zones={"example.test": OURS},
                    dns={"upstreams": [f"127.0.0.1:{elsewhere.port}"]}) as running:
        yield running


def expect_no(response, rcode):
    """Nothing there, with the zone's SOA and for how long that may be kept."""
    assert response.rcode() == rcode
    assert response.flags & dns.flags.AA
    assert not response.answer
    (soa,) = response.authority
    assert (str(soa.name), soa.rdtype) == ("example.test.", dns.rdatatype.SOA)
    assert soa.ttl == 60  # the smaller one of its TTL and its minimum


OUT = "out.example.test. CNAME www.elsewhere.net."


# MCNS-A5: A name that is not there gets NXDOMAIN, one without the type NODATA, both with the SOA;
# an empty non-terminal gets NODATA; a CNAME to a local name is answered in full; one that leads out
# of our zones is completed for a stub, and not for a client that asks without recursion.
def test_names_that_are_there_and_names_that_are_not(server):
    for recursion in (True, False):
        expect_no(server.ask("nonexistent.example.test", "A", recursion), dns.rcode.NXDOMAIN)
        expect_no(server.ask("v6only.example.test", "A", recursion), dns.rcode.NOERROR)
        expect_no(server.ask("deep.example.test", "A", recursion), dns.rcode.NOERROR)
        whole = server.ask("chain.example.test", "A", recursion)
        assert whole.rcode() == dns.rcode.NOERROR and whole.flags & dns.flags.AA
        assert records(whole) == ["chain.example.test. CNAME alias.example.test.",
                                "alias.example.test. CNAME www.example.test.",
                                "www.example.test. A 192.0.2.10"]

    for _ in range(2):  # from the upstream, then from memory
        completed = server.ask("out.example.test", "A")
        assert completed.rcode() == dns.rcode.NOERROR
        assert records(completed) == [OUT, "www.elsewhere.net. CNAME host.elsewhere.net.",
                                    "host.elsewhere.net. A 198.51.100.80"]
    alone = server.ask("out.example.test", "A", recursion=False)
    assert alone.rcode() == dns.rcode.NOERROR
    assert records(alone) == [OUT]


def test_an_alias_of_nothing_tells_that(server):
    response = server.ask("dangling.example.test", "A")
    assert response.rcode() == dns.rcode.NXDOMAIN  # RFC 6604: that of the last name
    assert records(response) == ["dangling.example.test. CNAME gone.example.test."]
    assert texts(response, "SOA", "authority")


def test_one_who_asks_for_the_alias_itself_gets_only_that(server):
    assert records(server.ask("out.example.test", "CNAME")) == [OUT]


def test_the_question_comes_back_as_it_was_asked(server):
    said = server.dig("wWw.ExAmPlE.tEsT", "A", "+noall", "+question", "+answer")
    assert ";wWw.ExAmPlE.tEsT." in said
    assert "192.0.2.10" in said


def test_dig_gets_a_completed_alias_from_the_real_upstream(server):
    assert server.dig("out.example.test", "A", "+short").split() == [
        "www.elsewhere.net.", "host.elsewhere.net.", "198.51.100.80"]
    assert server.dig("out.example.test", "A", "+short", "+tcp").split()[-1] == "198.51.100.80"
