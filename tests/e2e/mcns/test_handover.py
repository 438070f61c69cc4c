"""One process of mcns takes the place of another: nothing is lost, and what is broken stays out."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

import mcns_server
import pytest
from api_server import ApiServer, content, grpc_code, replay
from dns_upstream import DnsUpstream, answer
from mcns_server import ADDRESS, BIN, ROOT, eventually, receive_message, send_message, texts
from name_servers import question

sys.path.append(str(ROOT / "tests/systemd"))
from processes import NotifySocket  # noqa: E402

LOAD = BIN.parent / "bench/mcns_dns_load"
ZONE = """$TTL 300
@    SOA ns1 admin 0 3600 600 604800 300
     NS  ns1
ns1  A   192.0.2.1
www  A   192.0.2.10
"""
ZONES = {"example.test": ZONE}
HANDOVERS = 10
RATE, TCP_RATE, TCP_CLIENTS = 20_000, 2_000, 200
TIMEOUT_S = 60
TAKE = 1  # src/mcns/handover/message.h


class Server(ApiServer):
    """Whose process may be followed by another: `pid` is that of the one that serves. Its program
    lies in its folder, to be replaced."""

    def __init__(self, folder, **tables):
        tables.setdefault("handover", {"timeout": "5s"})
        super().__init__(folder, zones=ZONES, **tables)
        self.pid = None
        self.binary = self.folder / "mcns"
        self.put_program(f'exec {BIN}/mcns "$@"')

    def put_program(self, text):
        """The program on disk becomes a shell script: by a rename, as the real one is in use."""
        fresh = self.folder / "mcns.new"
        fresh.write_text(f"#!/bin/sh\n{text}\n")
        fresh.chmod(0o755)
        fresh.rename(self.binary)

    def put_real_program(self):
        fresh = self.folder / "mcns.new"
        shutil.copy(BIN / "mcns", fresh)
        fresh.rename(self.binary)

    def start(self):
        self.put_real_program()
        super().start()
        self.pid = self.process.pid

    def __enter__(self):
        return self  # a test may have more to say before its start

    def __exit__(self, *_):
        for pid in {self.pid, *self.pids_of_log()} - {None}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(TIMEOUT_S)

    def pids_of_log(self):
        """The processes that asked for the place, those first that came first."""
        return [int(pid) for pid in
                re.findall(r" hands over .*?pid=(\d+)", self.log_text())]

    def upgrade(self, code=0):
        return self.cli("--json", "upgrade", "--config", self.config, code=code)

    def upgraded(self):
        """Its successor serves. What `mcns upgrade` said."""
        said = json.loads(self.upgrade().stdout)
        self.follow(said["pid"])
        return said

    def follow(self, pid):
        """The process of before ends in order, and this is the one now."""
        before, self.pid = self.pid, pid
        if self.process is not None:
            process, self.process = self.process, None
            assert process.wait(TIMEOUT_S) == 0, self.log_text()
        else:
            eventually(lambda: not is_running(before), f"process {before} has ended")
        assert is_running(pid), self.log_text()

    def serves_and_writes(self):
        """Names are answered and changed as if nothing had been."""
        assert texts(self.ask("www.example.test", "A"), "A") == ["192.0.2.10"]
        self.cli("record", "set", "example.test", "probe", "A", "192.0.2.99")
        assert texts(self.ask("probe.example.test", "A"), "A") == ["192.0.2.99"]
        self.cli("record", "rm", "example.test", "probe")


def is_running(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"  # one that nobody has waited for yet has ended


def message(kind, *parts):
    return b"MCHO" + bytes([1, kind, len(parts)]) + b"".join(
        struct.pack("!H", len(part)) + part for part in parts)


@pytest.fixture
def make(tmp_path):
    reason = mcns_server.unavailable()
    if reason:
        pytest.skip(reason)
    with contextlib.ExitStack() as stack:
        yield lambda **tables: stack.enter_context(Server(tmp_path / "server", **tables))


@pytest.fixture
def server(make):
    return make()


class Load:
    """mcns_dns_load until `stop`."""

    def __init__(self, server, questions, *options):
        self._process = subprocess.Popen(
            [LOAD, "--server", f"{ADDRESS}:{server.port}", "--queries", questions, "--seconds",
             "300", "--warmup", "0", "--until-stopped", *map(str, options)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def stop(self):
        out, errors = self._process.communicate("", TIMEOUT_S)
        assert self._process.returncode == 0, errors
        return json.loads(out)


def lossless_rate(server, questions):
    """The most questions a second, up to RATE, that this machine bears today without a hand-over:
    others may want it as well, and then sockets overflow in any case."""
    rate = RATE
    while rate > 1000:
        load = Load(server, questions, "--rate", rate)
        time.sleep(3)
        measured = load.stop()
        if measured["sent"] == measured["answered"] and measured["p999_us"] < 50_000:
            return rate
        rate //= 2
    return rate


class Writer(threading.Thread):
    """Adds records one after the other, again when it is told to."""

    def __init__(self, server, prefix="w"):
        super().__init__()
        self.acknowledged, self.refusals, self.other = [], 0, []
        self._prefix = prefix
        self._server, self._ended = server, threading.Event()

    def run(self):
        number = 0
        while not self._ended.is_set():
            name, value = f"{self._prefix}{number}", f"10.1.{number >> 8}.{number & 255}"
            with self._server.grpc() as api:
                code = grpc_code(api.call, "RecordService.CreateRecord", zone="example.test",
                                 name=name, type="A", value=value)
            if code == "OK":
                self.acknowledged.append((name, value))
            elif code == "UNAVAILABLE":
                self.refusals += 1
                time.sleep(0.005)
            elif code != "ALREADY_EXISTS":
                self.other.append(code)
            if code in ("OK", "ALREADY_EXISTS"):
                number += 1

    def stop(self):
        self._ended.set()
        self.join(TIMEOUT_S)


# MCNS-A11: Over 10 hand-overs in a row by mcns upgrade, under 20,000 questions a second over UDP (or
# as many as this machine bears without a hand-over), 200 TCP clients and a writer, every question is
# answered, no connection ends in the middle of an answer or at all, and every acknowledged write is
# there.
def test_ten_hand_overs_lose_nothing(server, tmp_path):
    if not LOAD.exists():
        pytest.skip(f"{LOAD} is not built (target mcns_dns_load)")
    questions = tmp_path / "questions"
    questions.write_text("www.example.test A\ngone.example.test A\nns1.example.test A\n")
    server.write_config(dns={"tcp_max_per_client": TCP_CLIENTS + 10})  # all have one address
    server.start()
    rate = lossless_rate(server, questions)
    udp = Load(server, questions, "--rate", rate)
    tcp = Load(server, questions, "--rate", TCP_RATE, "--tcp", "--sockets", TCP_CLIENTS)
    writer = Writer(server)
    writer.start()
    took = []
    time.sleep(1)
    for _ in range(HANDOVERS):
        took.append(server.upgraded()["took_ms"])
    time.sleep(1)
    writer.stop()
    over_udp, over_tcp = udp.stop(), tcp.stop()
    print(f"{rate} q/s: hand-overs took {took} ms; udp {over_udp}; tcp {over_tcp}; "
          f"{len(writer.acknowledged)} writes, {writer.refusals} told to come again")

    assert over_udp["answered"] == over_udp["sent"] and over_udp["failed"] == 0
    assert over_tcp["answered"] == over_tcp["sent"] and over_tcp["failed"] == 0
    assert over_tcp["broken"] == over_tcp["reset"] == over_tcp["closed"] == 0
    assert writer.acknowledged and not writer.other
    there = {(each["name"], each["value"]) for each in server.records("example.test")}
    for name, value in writer.acknowledged:
        assert (f"{name}.example.test.", value) in there or (name, value) in there, name
    made, serial = replay(server.history("example.test"))
    assert made == content(server.records("example.test")) and serial == server.serial(
        "example.test")
    os.kill(server.pid, signal.SIGTERM)
    eventually(lambda: not is_running(server.pid), "the last one ends in order")


# CANCELLED is what a client takes for its own doing: nobody asks again. gRPC says so, about once in
# two hand-overs here, to calls that meet the end of a server which still has their connection.
def test_calls_that_meet_a_hand_over_are_told_to_come_again(server):
    server.start()
    writers = [Writer(server, prefix) for prefix in "abcd"]
    for writer in writers:
        writer.start()
    for _ in range(15):
        server.upgraded()
    for writer in writers:
        writer.stop()
    assert all(writer.acknowledged for writer in writers)
    assert sum(writer.refusals for writer in writers) > 0
    assert not [code for writer in writers for code in writer.other]
    there = {each["name"] for each in server.records("example.test")}
    assert {name for writer in writers for name, _ in writer.acknowledged} <= there


CRASHES = 'kill -SEGV $$'
HANGS = "exec sleep 300"
REFUSES_ITS_CONFIGURATION = f'exec {BIN}/mcns "$@" --set dns.workers=-1'
# It has the database and answers by then.
FAILS_LATE = f'exec {BIN}/mcns "$@" --set socket.path=/proc/nowhere/admin.sock'


# MCNS-A11: A new binary that crashes at its start, hangs, refuses its configuration, or fails when it
# answers already leaves the old process serving and writing, mcns upgrade says what was wrong, and a
# good one takes over afterwards.
@pytest.mark.parametrize("program, says", [
    (CRASHES, "ended with 139"), (HANGS, "did not ask for the place"),
    (REFUSES_ITS_CONFIGURATION, "ended with 2"), (FAILS_LATE, "ended before it was ready")])
def test_a_broken_program_leaves_the_old_one_serving(make, program, says):
    server = make(handover={"timeout": "3s"})
    server.start()
    server.put_program(program)
    failed = server.upgrade(code=None)
    assert failed.returncode != 0
    assert says in failed.stderr and "hint:" in failed.stderr, failed.stderr
    assert server.is_running()
    server.serves_and_writes()

    server.put_real_program()
    server.upgraded()
    server.serves_and_writes()


# A file of dnstap belongs to the process that serves until another one does.
def test_a_failed_upgrade_leaves_the_file_of_dnstap(make, tmp_path):
    path = tmp_path / "tap"
    server = make(querylog={"dnstap": str(path)})
    server.start()
    eventually(path.exists, "the file is begun")
    inode = path.stat().st_ino
    server.put_program(FAILS_LATE)
    assert server.upgrade(code=None).returncode != 0
    assert path.stat().st_ino == inode
    assert not list(tmp_path.glob("tap.*"))

    server.put_real_program()
    server.upgraded()
    eventually(lambda: path.exists() and path.stat().st_ino != inode, "the heir has its own")
    (aside,) = tmp_path.glob("tap.*")
    assert aside.stat().st_ino == inode


HANGING_HEIR = """
import socket, time
link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
link.connect({path!r})
link.send({take!r})
time.sleep(300)
"""


# MCNS-A11: A new process that hangs after it was given the database is killed after the timeout;
# meanwhile names are answered, and the API says 503 with Retry-After: 1; then the old one writes.
def test_an_heir_that_hangs_is_ended_and_calls_are_told_to_come_again(make):
    server = make(handover={"timeout": "2s"})
    server.start()
    token = server.token("writer", "admin")
    script = HANGING_HEIR.format(path=str(server.folder / "handover.sock"), take=message(TAKE, b"x"))
    with subprocess.Popen([sys.executable, "-c", script]) as heir:
        statuses = set()

        def refused():
            status, after, _ = rest_status(server, token)
            statuses.add(status)
            return status == 503 and after == "1"

        eventually(refused, "503 with Retry-After: 1")
        with server.grpc() as api:
            assert grpc_code(api.call, "RecordService.CreateRecord", zone="example.test", name="x",
                             type="A", value="192.0.2.3") == "UNAVAILABLE"
        assert texts(server.ask("www.example.test", "A"), "A") == ["192.0.2.10"]
        assert heir.wait(TIMEOUT_S) == -signal.SIGKILL
    assert statuses <= {200, 503, None}, statuses
    eventually(lambda: rest_status(server, token)[0] == 200, "the API is back")
    server.serves_and_writes()


def rest_status(server, token):
    """(status, Retry-After, body) of a list of the zones; (None, None, None) when nobody listens."""
    context = ssl.create_default_context(cafile=server.certificate)
    connection = http.client.HTTPSConnection(server.rest_address, context=context,
                                             timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/v1/zones", headers={"authorization": f"Bearer {token}"})
        reply = connection.getresponse()
        return reply.status, reply.getheader("retry-after"), reply.read()
    except (OSError, http.client.HTTPException):
        return None, None, None
    finally:
        connection.close()


def test_sigusr2_starts_the_program_on_disk(server):
    server.start()
    os.kill(server.pid, signal.SIGUSR2)
    eventually(lambda: "has handed over" in server.log_text(), "it has handed over")
    server.follow(server.pids_of_log()[-1])
    server.serves_and_writes()


def test_a_process_started_by_hand_takes_over_from_the_one_that_serves(server):
    server.start()
    before, server.process = server.process, None
    ApiServer.start(server)
    assert before.wait(TIMEOUT_S) == 0
    server.pid = server.process.pid
    server.serves_and_writes()


def test_what_is_cached_and_who_is_connected_outlive_the_process(make):
    with DnsUpstream(lambda query: answer(query, 60, "A", "198.51.100.80")) as upstream:
        server = make()
        server.write_config(dns={"upstreams": [upstream.address]})
        server.start()
        server.ask("www.elsewhere.net", "A")
        asked = [each for each in upstream.questions if "elsewhere" in str(each)]
        with server.tcp() as client:
            send_message(client, question(1, "www.example.test", "A"))
            assert receive_message(client).id == 1
            server.upgraded()
            send_message(client, question(2, "www.example.test", "A"))
            assert receive_message(client).id == 2

        response = server.ask("www.elsewhere.net", "A")
        assert texts(response, "A") == ["198.51.100.80"]
        assert [each for each in upstream.questions if "elsewhere" in str(each)] == asked
        assert "keeps the cache of the process before" in server.log_text()


def test_a_question_at_an_upstream_is_answered_by_who_asked_it(make):
    release = threading.Event()

    def slow(query):
        if "slow" in str(query.question[0].name):
            release.wait(3)
        return answer(query, 60, "A", "198.51.100.80")

    with DnsUpstream(slow) as upstream:
        server = make()
        server.write_config(dns={"upstreams": [upstream.address]})
        server.start()
        with server.udp() as udp, server.tcp() as tcp:
            udp.send(question(1, "slow1.elsewhere.net", "A", recursion=True))
            send_message(tcp, question(2, "slow2.elsewhere.net", "A", recursion=True))
            eventually(lambda: any("slow" in str(each) for each in upstream.questions), "asked")
            said = json.loads(server.upgrade().stdout)
            release.set()
            assert udp.recv(4096)[:2] == b"\0\1"
            assert receive_message(tcp).id == 2
            # With its answer the connection has gone to the heir.
            send_message(tcp, question(3, "www.example.test", "A"))
            assert receive_message(tcp).id == 3
        server.follow(said["pid"])


def test_another_user_is_refused(server_of_everybody):
    server = server_of_everybody
    path = str(server.folder / "handover.sock")
    assert os.stat(path).st_mode & 0o777 == 0o600
    os.chmod(path, 0o666)
    script = (f"import socket\nlink = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
              f"link.connect({path!r})\nlink.send({message(TAKE, b'x')!r})\n"
              f"print(link.recv(4096))")
    done = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", sys.executable, "-c",
                           script], text=True, capture_output=True, check=True, timeout=TIMEOUT_S)
    assert r"MCHO\x01\t\x02" in done.stdout  # REFUSED, with two texts
    assert "user 65534 may not take over" in done.stdout
    server.serves_and_writes()


@pytest.fixture
def server_of_everybody():
    reason = mcns_server.unavailable()
    if reason or os.geteuid() != 0:
        pytest.skip(reason or "another user takes root")
    with tempfile.TemporaryDirectory(prefix="mc-handover-") as folder:
        pathlib.Path(folder).chmod(0o755)
        with Server(pathlib.Path(folder) / "server") as made:
            made.folder.chmod(0o755)
            made.start()
            yield made


# MCNS-A11: Where the process ends with its container, mcns upgrade changes nothing and names the way
# out.
def test_in_a_container_of_its_own_it_says_to_redeploy(server):
    if os.geteuid() != 0:
        pytest.skip("a process namespace takes root")
    server.put_program(f'exec unshare --pid --fork --kill-child --mount-proc {BIN}/mcns "$@"')
    server.launch()  # its init keeps every descriptor, so there is no end of a report to wait for
    server.pid = server.process.pid
    eventually(lambda: server.cli("status", code=None).returncode == 0, "it serves")
    failed = server.upgrade(code=6)
    assert "this container ends with the process" in failed.stderr
    assert "deploy the new image" in failed.stderr
    server.serves_and_writes()


def test_systemd_is_told_who_the_main_process_is(server, tmp_path):
    systemd = NotifySocket(tmp_path / "notify")
    server.environment["NOTIFY_SOCKET"] = str(systemd.path)
    server.start()
    assert systemd.next()["READY"] == "1"
    pid = server.upgraded()["pid"]
    assert systemd.next()["RELOADING"] == "1"
    said = [systemd.next(), systemd.next()]  # of both processes, in any order
    assert {"MAINPID": str(pid), "READY": "1", "STATUS": "serving"} in said
    assert {"READY": "1", "STATUS": "serving"} in said
    os.kill(pid, signal.SIGTERM)
    assert systemd.next()["STOPPING"] == "1"


def test_a_trial_run_leaves_the_live_server_its_place(server):
    server.start()
    trial = server.cli("server", "--once", "--config", server.config, code=6)
    assert "mcns check-config" in trial.stderr
    assert server.is_running()
    server.serves_and_writes()


def test_without_a_server_it_says_so(server):
    failed = server.upgrade(code=5)
    assert "no name service" in failed.stderr and "hint:" in failed.stderr


# A server whose database is damaged hands over like any other; once `mcns restore` has put the
# database back, an upgrade ends that without a restart.
def test_a_server_without_its_database_is_followed_and_cured(make):
    server = make()
    server.write_config(database={"damaged": "serve-image"})
    server.start()
    server.cli("record", "set", "example.test", "probe", "A", "192.0.2.99")
    server.cli("snapshot", "--out", server.folder / "whole.db")
    server.stop()
    whole = server.database.read_bytes()
    server.database.write_bytes(whole[:100] + b"x" * (len(whole) - 100))
    server.start()
    assert server.cli_json("status", code=1)["state"] == "degraded"

    for _ in range(2):
        server.upgraded()
        assert texts(server.ask("probe.example.test", "A"), "A") == ["192.0.2.99"]
        assert "192.0.2.99" in server.cli("record", "get", "example.test", "probe", "A").stdout
        assert "as of" in server.cli_json("status", code=1)["problems"][0]
    # An heir that fails leaves it as it was.
    server.put_program(FAILS_LATE)
    assert server.upgrade(code=None).returncode != 0
    assert server.cli_json("status", code=1)["state"] == "degraded"
    assert "192.0.2.99" in server.cli("record", "get", "example.test", "probe", "A").stdout

    server.put_real_program()
    server.cli("restore", "--config", server.config, "--from", server.folder / "whole.db", "--yes")
    server.upgraded()
    assert server.cli_json("status")["state"] == "healthy"
    server.serves_and_writes()
