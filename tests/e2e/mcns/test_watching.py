"""What is seen from outside of how questions are answered: dnstap as the programs of others read it,
the query log, and the metrics."""
import contextlib
import json
import re
import shutil
import signal
import subprocess

import dns.message
import dns.rcode
import mcns_server
import pytest
from dns_upstream import DnsUpstream, answer
from mcns_server import ADDRESS, McnsServer, eventually, receive_message, send_message, texts
from name_servers import free_port, question

ZONE = """$TTL 300
@    SOA ns1 admin 0 3600 600 604800 300
     NS  ns1
ns1  A   192.0.2.1
www  A   192.0.2.10
"""
GOOD = "198.51.100.80"
TIMEOUT_S = 60
# As dnstap-read prints a message: time, type, who asked, who answers, transport, size, question.
LINE = re.compile(r"\S+ \S+ (?P<type>[ACF][QR]) (?P<query>\S+) (?P<way>->|<-) (?P<response>\S+) "
                  r"(?P<transport>\S+) \S+ (?P<question>\S+)")


@pytest.fixture
def make(tmp_path):
    """Starts servers, and ends them."""
    reason = mcns_server.unavailable()
    if reason:
        pytest.skip(reason)
    for program, package in (("fstrm_capture", "fstrm-bin"), ("dnstap-read", "bind9-dnsutils")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} missing (package {package})")
    with contextlib.ExitStack() as stack:
        def start(upstream=None, **tables):
            tables.setdefault("dns", {"upstreams": [upstream.address] if upstream else []})
            server = McnsServer(tmp_path / "server", zones={"example.test": ZONE}, **tables)
            return stack.enter_context(server)
        yield start


@pytest.fixture
def upstream():
    with DnsUpstream(lambda query: answer(query, 60, "A", GOOD)) as running:
        yield running


class Capture:
    """fstrm_capture, which writes what it is told to a file until it ends."""

    def __init__(self, socket, path):
        self.path = path
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "fstrm_capture", "-t", "protobuf:dnstap.Dnstap",
             "-u", str(socket), "-w", str(path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(socket.exists, "fstrm_capture listens")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGTERM)

    def end(self, number):
        if self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(TIMEOUT_S)


def read_tap(path):
    """The messages of a dnstap file, as matches of LINE."""
    done = subprocess.run(["dnstap-read", str(path)], text=True, capture_output=True, check=False,
                          timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    return [LINE.match(line) or pytest.fail(line) for line in done.stdout.splitlines()]


def seen(messages, name):
    """"AQ UDP" of each message with that question."""
    return [f"{each['type']} {each['transport']}" for each in messages
            if each["question"].startswith(f"{name}/")]


def ask_over_tcp(server, name):
    with server.tcp() as client:
        send_message(client, question(7, name, "A"))
        return receive_message(client)


def test_a_reader_on_a_socket_gets_every_message(make, upstream, tmp_path):
    socket = tmp_path / "tap.sock"
    with Capture(socket, tmp_path / "captured") as capture:
        server = make(upstream, querylog={"dnstap": f"unix:{socket}"})
        assert texts(server.ask("www.example.test", "A"), "A") == ["192.0.2.10"]
        assert ask_over_tcp(server, "ns1.example.test").answer
        for _ in range(2):  # from the upstream, then from the cache
            assert texts(server.ask("www.elsewhere.net", "A"), "A") == [GOOD]
        server.stop()
    messages = read_tap(capture.path)

    assert seen(messages, "www.example.test") == ["AQ UDP", "AR UDP"]
    assert seen(messages, "ns1.example.test") == ["AQ TCP", "AR TCP"]
    elsewhere = seen(messages, "www.elsewhere.net")
    assert elsewhere.count("CQ UDP") == elsewhere.count("CR UDP") == 2
    assert elsewhere.count("FQ UDP") == elsewhere.count("FR UDP") == 1
    for message in messages:
        if message["type"] in ("AQ", "CQ", "AR", "CR"):
            assert message["query"].startswith(f"{ADDRESS}:")
        else:
            assert message["response"] == upstream.address
        assert message["way"] == ("->" if message["type"].endswith("Q") else "<-")


def test_a_reader_that_goes_away_is_called_again(make, tmp_path):
    socket = tmp_path / "tap.sock"
    server = make(querylog={"dnstap": f"unix:{socket}"})
    assert server.ask("www.example.test", "A").answer  # nobody is there yet
    first = Capture(socket, tmp_path / "first")
    eventually(lambda: "dnstap messages are taken" in server.log_text(), "the first reader")
    first.end(signal.SIGKILL)
    eventually(lambda: server.log_text().count("nobody takes dnstap messages") == 2, "it is missed")
    assert server.ask("ns1.example.test", "A").answer
    socket.unlink()
    with Capture(socket, tmp_path / "second") as second:
        eventually(lambda: server.log_text().count("dnstap messages are taken") == 2, "the second")
        assert server.ask("gone.example.test", "A").rcode() == dns.rcode.NXDOMAIN
        server.stop()
    messages = read_tap(second.path)
    assert seen(messages, "ns1.example.test") == ["AQ UDP", "AR UDP"]
    assert seen(messages, "gone.example.test") == ["AQ UDP", "AR UDP"]


def test_a_file_is_a_whole_stream_after_each_run(make, tmp_path):
    path = tmp_path / "tap"
    server = make(querylog={"dnstap": str(path), "anonymize": True})
    assert server.ask("www.example.test", "A").answer
    server.stop()
    server.start()
    assert server.ask("ns1.example.test", "A").answer
    server.stop()

    (aside,) = (each for each in tmp_path.iterdir() if each.name.startswith("tap."))
    (query, response) = read_tap(aside)
    assert query["question"].startswith("www.example.test/")
    assert query["query"].startswith("127.0.0.0:") and response["query"].startswith("127.0.0.0:")
    assert seen(read_tap(path), "ns1.example.test") == ["AQ UDP", "AR UDP"]


def test_the_log_has_what_its_mode_says(make):
    server = make(querylog={"mode": "errors", "anonymize": True})
    path = server.folder / "queries.jsonl"
    assert server.ask("www.example.test", "A").answer
    assert server.ask("gone.example.test", "A").rcode() == dns.rcode.NXDOMAIN
    assert server.ask("www.elsewhere.net", "AAAA").rcode() == dns.rcode.SERVFAIL
    eventually(lambda: path.exists() and path.read_text().count("\n") == 1, "the failure is logged")
    (line,) = map(json.loads, path.read_text().splitlines())
    took_us, size = line.pop("took_us"), line.pop("bytes")
    assert took_us >= 0 and size > 30 and line.pop("time").endswith("Z")
    assert line == {"client": "127.0.0.0", "transport": "udp", "name": "www.elsewhere.net.",
                    "type": "AAAA", "rcode": "SERVFAIL", "path": "forward"}
    server.stop()

    server.write_config(querylog={"mode": "all", "anonymize": False})
    server.start()
    path.rename(server.folder / "queries.jsonl.1")  # as logrotate does
    assert server.ask("www.example.test", "A").answer
    assert ask_over_tcp(server, "ns1.example.test").answer
    server.stop()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(each["client"], each["transport"], each["name"], each["path"]) for each in lines] == [
        (ADDRESS, "udp", "www.example.test.", "zone"), (ADDRESS, "tcp", "ns1.example.test.", "zone")]


def test_a_wrong_place_is_told_before_anything_starts(make):
    server = make()
    server.stop()
    server.write_config(querylog={"dnstap": "tap.sock", "sample": 2})
    checked = server.cli("check-config", "--config", server.config, code=2)
    assert "querylog.sample: 2 is out of range: 0 to 1" in checked.stderr
    server.write_config(querylog={"sample": 0.5})
    checked = server.cli("check-config", "--config", server.config, code=2)
    assert "querylog.dnstap" in checked.stderr and "unix:/run/dnstap.sock" in checked.stderr


def metrics(url):
    """The values of /metrics, by name with labels."""
    text = subprocess.run(["curl", "-fsS", "--max-time", "10", url], text=True, capture_output=True,
                          check=True, timeout=TIMEOUT_S).stdout
    return {name: float(value) for name, value in
            (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}


def test_metrics_tell_how_long_answers_and_writes_take(make, upstream):
    port = free_port()
    server = make(upstream, metrics={"addr": f"127.0.0.1:{port}"}, querylog={"mode": "all"})
    url = f"http://127.0.0.1:{port}/metrics"
    before = metrics(url)
    for _ in range(5):
        assert server.ask("www.example.test", "A").answer
    assert ask_over_tcp(server, "www.example.test").answer
    for _ in range(3):
        assert server.ask("www.elsewhere.net", "A").answer
    server.cli("record", "add", "example.test", "new", "A", "192.0.2.9")
    after = metrics(url)

    def more(name):
        return after[f"mc_mcns_{name}"] - before.get(f"mc_mcns_{name}", 0)

    for path, count in (("zone", 6), ("cache", 2), ("forward", 1)):
        assert more(f'answer_seconds_count{{path="{path}"}}') == count
        assert more(f'answer_seconds_bucket{{path="{path}",le="+Inf"}}') == count
        assert 0 < more(f'answer_seconds_sum{{path="{path}"}}') < TIMEOUT_S
    assert more("commit_seconds_count") == 1 and more("commit_seconds_sum") > 0
    assert more("publish_seconds_count") == 1 and more("publish_seconds_sum") > 0
    assert after['mc_mcns_zone_serial_ahead_count{zone="example.test."}'] == 0
    for at in ("ring", "querylog"):
        assert after[f'mc_mcns_query_events_lost_total{{at="{at}"}}'] == 0
    assert after['mc_mcns_dropped_total{reason="connections_full"}'] == 0
