"""Answers by the network that the client is in."""
import dns.rdatatype
import mcns_server
import pytest
from mcns_server import McnsServer, Namespace

ZONE = """$TTL 300
@      SOA ns1 admin 0 3600 600 604800 300
       NS  ns1
ns1    A   192.0.2.1
node   A   192.168.88.5
       A   100.64.0.5
       A   192.0.2.5
both   A   192.168.88.6
       A   100.64.0.6
mail   MX  10 both
"""
LAN, OVERLAY, OUTSIDE = "192.168.88.7", "100.64.0.7", "203.0.113.7"
NETWORKS = [{"name": "lan", "cidrs": ["192.168.88.0/24"]},
            {"name": "overlay", "cidrs": ["100.64.0.0/10"]}]


@pytest.fixture(scope="module")
def namespace():
    reason = mcns_server.unavailable(namespace=True)
    if reason:
        pytest.skip(reason)
    with Namespace() as made:
        for address in (LAN, OVERLAY, OUTSIDE):
            made.add_address(f"{address}/32")
        yield made


def addresses(server, name, source, section="answer", dns_type="A"):
    """In the order of the response."""
    response = server.ask(f"{name}.example.test", dns_type, source=source)
    return [str(rdata) for rrset in getattr(response, section)
            if rrset.rdtype == dns.rdatatype.A for rdata in rrset]


def test_addresses_of_the_clients_network_come_first(namespace, tmp_path):
    with McnsServer(tmp_path, zones={"example.test": ZONE}, namespace=namespace,
                    dns={"order": "network"}, network=NETWORKS) as server:
        firsts = set()
        for _ in range(6):
            assert addresses(server, "node", LAN)[0] == "192.168.88.5"
            assert addresses(server, "node", OVERLAY)[0] == "100.64.0.5"
            assert len(addresses(server, "node", LAN)) == 3
            firsts.add(addresses(server, "node", OUTSIDE)[0])
        assert len(firsts) > 1
        said = server.dig("node.example.test", "-b", OVERLAY, "+short").split()
        assert said[0] == "100.64.0.5"


def test_addresses_that_the_client_cannot_reach_are_left_out(namespace, tmp_path):
    with McnsServer(tmp_path, zones={"example.test": ZONE}, namespace=namespace,
                    dns={"order": "network", "only_reachable": True}, network=NETWORKS) as server:
        for _ in range(3):
            assert addresses(server, "node", LAN) == ["192.168.88.5", "192.0.2.5"]
            assert addresses(server, "node", OVERLAY) == ["100.64.0.5", "192.0.2.5"]
            assert addresses(server, "node", OUTSIDE) == ["192.0.2.5"]
            assert addresses(server, "both", LAN) == ["192.168.88.6"]
            assert len(addresses(server, "both", OUTSIDE)) == 2  # there is nothing else
        assert addresses(server, "mail", LAN, "additional", "MX") == ["192.168.88.6"]

        told = server.cli("explain", "node.example.test", "A", "--from", LAN).stdout
        for words in ("lan: its addresses come first", "192.168.88.5", "left out", "100.64.0.5"):
            assert words in told
        outside = server.cli("explain", "both.example.test", "A", "--from", OUTSIDE).stdout
        assert "none of those declared" in outside and "as there is nothing else" in outside


def test_a_network_that_cannot_be_is_named(tmp_path):
    server = McnsServer(tmp_path, dns={"order": "network"},
                        network=[{"name": "lan", "cidrs": ["lan"]}])
    try:
        with pytest.raises(AssertionError, match="mcns ended with"):
            server.start()
        assert "network.cidrs" in server.log_text()
    finally:
        if server.process is not None:
            server.kill()
