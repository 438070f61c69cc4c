"""The agent over the network: TLS, tokens, REST beside gRPC, and a node found at any address."""
import json
import os
import re
import subprocess
import time

import pytest
from definitions import shell
from mcp_node import ROOT, eventually

LAN, DEAD, RESOLVER = "127.0.1.1", "198.51.100.1", "198.51.100.53"


def openssl(*argv, stdin=None):
    return subprocess.run(["openssl", *map(str, argv)], check=True, capture_output=True, text=True,
                          input=stdin).stdout


class Authority:
    """A CA in a folder, with the openssl command: none of our own code checks itself here."""

    def __init__(self, node):
        self.node = node
        self.folder = node.make_folder(node.base / "tls", 0o755)
        self.ca = self.folder / "ca.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "30", "-subj", "/CN=Test CA", "-keyout", self.folder / "ca.key", "-out",
                self.ca)

    def issue(self):
        """A new pair for the node, put in place as a renewal does; returns the serial."""
        new = self.folder / "new"
        request = openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                          "-subj", "/CN=rift", "-addext",
                          f"subjectAltName=DNS:rift,IP:{LAN},IP:127.0.0.1", "-keyout",
                          f"{new}.key")
        pem = openssl("x509", "-req", "-CA", self.ca, "-CAkey", self.folder / "ca.key", "-days",
                      "30", "-copy_extensions", "copy", stdin=request)
        (self.folder / "new.pem").write_text(pem)
        for kind in ("key", "pem"):
            os.chown(f"{new}.{kind}", 850, 850)
            os.chmod(f"{new}.{kind}", 0o600)
            os.rename(f"{new}.{kind}", self.folder / f"agent.{kind}")
        return openssl("x509", "-noout", "-serial", stdin=pem).strip().split("=")[1]


@pytest.fixture(scope="module")
def authority(bare_node):
    made = Authority(bare_node)
    made.issue()
    return made


@pytest.fixture(scope="module")
def node(bare_node, authority):
    # A wire that nobody is on: packets to these addresses are lost without a word.
    for command in (["ip", "link", "add", "void", "type", "veth", "peer", "name", "end"],
                    ["ip", "addr", "add", "198.51.100.2/24", "dev", "void"],
                    ["ip", "link", "set", "end", "up"],
                    ["ip", "link", "set", "void", "arp", "off", "up"]):
        assert bare_node.in_netns(*command).returncode == 0
    bare_node.start(server__tls_cert=authority.folder / "agent.pem",
                    server__tls_key=authority.folder / "agent.key",
                    server__grpc_addr=f"{LAN}:9444", server__rest_addr=f"{LAN}:9445",
                    metrics__addr="127.0.0.1:9446", auth__tokens=bare_node.state / "tokens")
    bare_node.define("idle", shell("idle", "sleep 100000"))
    bare_node.mcp("deploy", "idle", "--init")
    for role in ("read", "operate", "admin"):
        token = bare_node.mcp("token", "add", role, "--role", role).stdout
        path = bare_node.base / f"token-{role}"
        path.write_text(token)
        path.chmod(0o600)
    (bare_node.base / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
    (bare_node.base / "mcp.toml").write_text(f"""[mcp]
default_node = "rift"
[[nodes]]
name = "rift"
addresses = ["rift.overlay.test:9444", "{DEAD}:9444", "{LAN}:9444"]
ca_cert = "{authority.ca}"
""")
    return bare_node


def remote(node, *argv, role="admin"):
    """mcp as on a workstation: no socket, a dead resolver, the network of the node."""
    own_resolver = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    return node.in_netns(
        "unshare", "-m", "sh", "-c", own_resolver, node.base / "resolv.conf", "env", "-i",
        f"HOME={node.base}", "PATH=/usr/bin:/bin", f"MCP_TOKEN_FILE={node.base}/token-{role}",
        node.base / "mcp", "--config", node.base / "mcp.toml", "--services-dir", node.services,
        "--no-color", *argv)


def curl(node, authority, path, *options, role=None, port=9445):
    bearer = []
    if role:
        token = (node.base / f"token-{role}").read_text().strip()
        bearer = ["-H", f"authorization: Bearer {token}"]
    done = node.in_netns("curl", "-s", "--cacert", authority.ca, "--tls-max", "1.3", "-w",
                         "\n%{http_code} %{http_version}", *bearer, *options,
                         f"https://{LAN}:{port}{path}")
    body, _, last = done.stdout.rpartition("\n")
    status = last.split()
    return int(status[0]), status[1], body


# MCP-A10: With a dead resolver and a dead overlay address `mcp ps` answers over the LAN address in
# less than a second, the first time and every other.
def test_a_node_is_found_at_the_address_that_works(node):
    for _ in range(2):
        begun = time.monotonic()
        done = remote(node, "ps")
        took = time.monotonic() - begun

        assert done.returncode == 0, done.stderr
        assert "idle" in done.stdout
        assert took < 1, f"{took:.2f} s"

    told = remote(node, "-v", "ps").stderr
    assert f"{LAN}:9444: answered" in told


def test_a_name_that_the_certificate_does_not_carry_is_explained(node):
    config = node.base / "mcp.toml"
    before = config.read_text()
    config.write_text(before.replace('name = "rift"', 'name = "vade"').replace(
        'default_node = "rift"', 'default_node = "vade"'))

    refused = remote(node, "ps")

    config.write_text(before)
    assert refused.returncode == 5, refused
    assert "rift" in refused.stderr and LAN in refused.stderr, "the names that it does carry"


def test_tokens_say_who_may_do_what(node, authority):
    assert remote(node, "restart", "idle", role="read").returncode == 4
    assert remote(node, "restart", "idle", role="operate").returncode == 0
    assert remote(node, "token", "list", role="operate").returncode == 4
    assert "operate" in remote(node, "token", "list").stdout
    assert curl(node, authority, "/v1/services")[0] == 401
    (node.base / "token-operate").chmod(0o644)
    loose = remote(node, "ps", role="operate")
    (node.base / "token-operate").chmod(0o600)
    assert loose.returncode != 0 and "chmod 600" in loose.stderr

    node.mcp("token", "remove", "operate")

    assert remote(node, "ps", role="operate").returncode == 4


def test_rest_says_what_grpc_says(node, authority):
    status, version, body = curl(node, authority, "/v1/services", role="read")
    assert (status, version) == (200, "2")
    listed = node.mcp_json("list")
    assert [s["name"] for s in json.loads(body)["services"]] == [
        s["name"] for s in listed["services"]]
    status, version, body = curl(node, authority, "/v1/services/none", "--http1.1", role="read")
    assert (status, version) == (404, "1.1")
    error = json.loads(body)
    assert error["code"] == "not_found" and error["request_id"] and error["hint"]
    status, _, body = curl(node, authority, "/v1/services?colour=red", role="read")
    assert status == 400 and "colour" in body


def test_the_openapi_document_needs_no_token(node, authority):
    status, _, body = curl(node, authority, "/v1/openapi.json")

    assert status == 200
    document = json.loads(body)
    assert document["openapi"].startswith("3.1") and "/v1/services" in document["paths"]


def test_health_and_metrics(node, authority):
    assert curl(node, authority, "/v1/health")[0] == 200
    status, _, body = curl(node, authority, "/v1/ready")
    assert status == 200, body
    assert {"registry", "runtime", "certificate"} <= set(re.findall(r'"name":\s*"([a-z]+)"', body))
    plain = node.in_netns("curl", "-s", "http://127.0.0.1:9446/metrics").stdout
    assert "mc_mcp_agent_rpc_calls_total" in plain
    assert "mc_mcp_agent_tls_certificate_expiry_days" in plain


def test_tls_1_2_is_refused_on_both_listeners(node):
    for port in (9444, 9445):
        old = node.in_netns("openssl", "s_client", "-connect", f"{LAN}:{port}", "-tls1_2")
        new = node.in_netns("openssl", "s_client", "-connect", f"{LAN}:{port}", "-tls1_3")
        assert old.returncode != 0, port
        assert "TLSv1.3" in new.stdout, port


def serial_at(node, port):
    shown = node.in_netns("openssl", "s_client", "-connect", f"{LAN}:{port}").stdout
    pem = re.search(r"-----BEGIN CERT.*?END CERTIFICATE-----", shown, re.S)
    return openssl("x509", "-noout", "-serial", stdin=pem[0]).strip().split("=")[1] if pem else ""


# HOUSE-A9: While h2load asks the REST listener without a pause, the certificate files are replaced:
# not one request fails, and new connections to REST and gRPC see the new serial.
def test_a_renewed_certificate_is_shown_and_no_request_fails(node, authority):
    load = subprocess.Popen(
        [*node.store.in_netns(), "h2load", "-D", "6", "-c", "8", "-m", "4",
         f"https://{LAN}:9445/v1/health"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True)
    for _ in range(2):
        serial = authority.issue()
        for port in (9444, 9445):
            eventually(lambda port=port: serial_at(node, port) == serial, "the new one is shown")
    assert load.poll() is None, "the load went on all the while"

    report = load.communicate(timeout=60)[0]

    counts = re.search(r"requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored", report)
    assert counts, report
    assert int(counts[1]) > 100 and counts[2] == "0" and counts[3] == "0", report


# HOUSE-A10: TERM under load: every request whose connection was accepted is answered, and the agent
# ends with 0 within its grace.
def test_term_under_load_fails_no_accepted_request(node, authority):
    load = subprocess.Popen(
        [*node.store.in_netns(), "python3", ROOT / "tests/support/rest_load.py", LAN, "9445",
         authority.ca, "/v1/health"], stdout=subprocess.PIPE, text=True)
    time.sleep(2)  # of load

    begun = time.monotonic()
    node.stop()  # asserts exit 0
    took = time.monotonic() - begun

    counts = json.loads(load.communicate(timeout=60)[0])
    assert counts["failed"] == [] and counts["answered"] > 50, counts
    assert took < 30, f"{took:.1f} s"


def test_the_rest_listener_takes_a_socket_from_systemd(node, authority):
    """After the agent above has ended: its own sockets, and the port of systemd beside them."""
    with open(node.base / "activated.log", "ab") as log:
        agent = subprocess.Popen(
            node.store.command(
                "systemd-socket-activate", "--listen", f"{LAN}:9555", "--fdname", "rest",
                *[f"--setenv={name}={value}" for name, value in node.store.environment().items()],
                node.base / "mcp-agent", "server", "--config", node.config,
                "--set", f"server.tls_cert={authority.folder}/agent.pem",
                "--set", f"server.tls_key={authority.folder}/agent.key",
                "--set", f"server.grpc_addr={LAN}:9444"),
            env=node.store.environment(), cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        eventually(lambda: node.in_netns("ss", "-Hltn", "sport = :9555").stdout, "it listens")

        answer = curl(node, authority, "/v1/health", port=9555)
        assert answer[0] == 200, (answer, (node.base / "activated.log").read_text())
    finally:
        agent.terminate()
        agent.wait(60)
