"""Sockets that the agent holds for a container: the real mcns in rootless podman, under a steady load.

Questions come from another address than the server's, one every 10 ms, and each must be answered
however the container and the agent come and go.
"""
import contextlib
import json
import os
import select
import signal
import socket
import stat
import threading
import time

import dns.message
import dns.rcode
import mcns_server
import podman_store as podman
import pytest
from mcns_image import make_mcns_image
from mcns_server import BIN, call_in_netns
from mcp_node import Lines, McpNode, eventually

LAN, CLIENT, TCP_CLIENT = "127.0.1.1", "127.0.5.1", "127.0.5.2"
PORT = 53
NAME = "www.example.test"
ANSWER = "192.0.2.7"
PAUSE_S = 0.01
PATIENCE_S = 60
IMAGES = ("localhost/mcns:v1", "localhost/mcns:v2")
ZONE = f"""$ORIGIN example.test.
@ 300 SOA ns admin 1 7200 3600 1209600 300
@ 300 NS ns
ns 300 A {LAN}
www 300 A {ANSWER}
"""
CONFIG = """[socket]
path = "/srv/mcns/admin.sock"
[server]
grpc_addr = ""
rest_addr = ""
tokens = "/srv/mcns/tokens"
[database]
path = "/srv/mcns/mcns.db"
backups = "/srv/mcns/backups"
[seed]
paths = ["/srv/mcns/*.zone"]
[dns]
listen_addr = ["127.0.0.1:5399"]
workers = 2
upstreams = []
fallback_upstreams = []
"""


def definition(image=IMAGES[0], sockets=("udp", "tcp"), port=PORT, extra=""):
    text = f"""name = "mcns"
version = "v1"
tier = "foundation"

[[components]]
image = "{image}"
cmd = ["server", "--config", "/srv/mcns/mcns.toml"]
stop_timeout = "10s"
{extra}
"""
    for protocol in sockets:
        text += f"""
[[components.sockets]]
name = "dns"
listen = "{protocol}:@lan:{port}"
"""
    return text + f"""
[components.health]
type = "dns"
port = {port}
query = "example.test"
interval = "100ms"
deadline = "60s"
"""


class Load:
    """A client that asks every PAUSE_S and counts what comes back. It never asks twice: a datagram
    that is lost stays unanswered."""

    def __init__(self, node):
        self.asked = 0
        self.answers = {}  # id -> seconds that it took
        self._sent = {}
        self._ending = threading.Event()
        self._may_ask = threading.Lock()
        self._socket = call_in_netns(f"/run/netns/{node.store.netns}", self._open)
        self._wire = bytearray(dns.message.make_query(NAME, "A").to_wire())
        self._threads = [threading.Thread(target=self._ask), threading.Thread(target=self._hear)]

    @staticmethod
    def _open():
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        made.bind((CLIENT, 0))
        made.connect((LAN, PORT))
        made.setblocking(False)
        return made

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        eventually(lambda: self.answers, "a first answer")
        return self

    def __exit__(self, *_):
        self._ending.set()
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def _ask(self):
        # Each has an id of its own, for fewer than 65536 of them: ten minutes.
        while not self._ending.wait(PAUSE_S):
            with self._may_ask:
                self.asked += 1
                self._wire[0:2] = self.asked.to_bytes(2, "big")
                self._sent[self.asked] = time.monotonic()
                # A socket that was closed says so once: the question before it was lost.
                with contextlib.suppress(ConnectionRefusedError):
                    self._socket.send(self._wire)

    @contextlib.contextmanager
    def quiet(self):
        """A moment without a question under way: what a process has read dies with it, and no socket
        can help that."""
        with self._may_ask:
            eventually(lambda: len(self.answers) == self.asked, "every question is answered")
            yield

    def _hear(self):
        deadline = None
        while deadline is None or (time.monotonic() < deadline and len(self.answers) < self.asked):
            if self._ending.is_set() and deadline is None:
                deadline = time.monotonic() + PATIENCE_S
            if not select.select([self._socket], [], [], 0.1)[0]:
                continue
            with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
                wire = self._socket.recv(65535)
                number = int.from_bytes(wire[:2], "big")
                response = dns.message.from_wire(wire)
                assert response.rcode() == dns.rcode.NOERROR and ANSWER in str(response.answer)
                self.answers.setdefault(number, time.monotonic() - self._sent[number])

    def assert_nothing_lost(self):
        """After the context."""
        lost = sorted(set(self._sent) - set(self.answers))
        print(f"{self.asked} asked, {len(lost)} lost, the slowest took "
              f"{max(self.answers.values()):.3f} s")
        assert self.asked > 20 and not lost, (
            f"{len(lost)} of {self.asked} questions were lost: {lost[:20]}")


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    reason = podman.unavailable(netns=True) or mcns_server.unavailable()
    if reason:
        pytest.skip(reason)
    with podman.PodmanStore(netns=True) as store:
        made = McpNode(store)
        make_mcns_image(store, tmp_path_factory.mktemp("mcns"), IMAGES)
        folder = made.make_folder(made.srv / "mcns")
        for name, text in (("mcns.toml", CONFIG), ("example.test.zone", ZONE)):
            (folder / name).write_text(text)
            os.chown(folder / name, 850, 850)
        made.start(agent__watch_interval="1s")
        yield made


@pytest.fixture(scope="module")
def deployed(node):
    node.define("mcns", definition())
    node.mcp("deploy", "mcns", "--init")
    return node


def container(node):
    return node.containers()["mcns"]


def ask(node, source=CLIENT, transport="+notcp", port=PORT):
    return node.in_netns("dig", f"@{LAN}", "-p", port, "-b", source, transport, "+short",
                         "+tries=1", "+time=5", NAME, "A").stdout.strip()


def wait_for_restart(node, former):
    def again():
        now = node.containers().get("mcns")
        return now if now and now["running"] and now["pid"] not in (0, former["pid"]) else None
    now = eventually(again, "the container runs again")
    assert now["id"] == former["id"], "restarted by policy, not made anew"
    eventually(lambda: ask(node) == ANSWER, "the container answers again")


def test_container_is_given_the_directory_read_only_and_the_variable(deployed):
    directory = deployed.srv / "mcp/sockets/mcns/mcns"

    inspected = json.loads(deployed.store.podman("container", "inspect", "mcns"))[0]

    mounts = [mount for mount in inspected["Mounts"] if mount["Source"] == str(directory)]
    assert len(mounts) == 1 and not mounts[0]["RW"], inspected["Mounts"]
    assert f"MC_SOCKETS={mounts[0]['Destination']}" in inspected["Config"]["Env"]
    assert not inspected["NetworkSettings"]["Ports"], "nothing is published"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "agent.sock").stat().st_mode) == 0o600


def test_both_transports_answer_and_the_sockets_are_shown_where_ports_are(deployed):
    assert ask(deployed) == ANSWER
    assert ask(deployed, transport="+tcp") == ANSWER

    ports = [line.split() for line in deployed.mcp("ports").stdout.splitlines() if "mcns" in line]
    assert [LAN, "53", "udp", "mcns/mcns", "socket", "dns"] in ports
    assert [LAN, "53", "tcp", "mcns/mcns", "socket", "dns"] in ports
    shown = deployed.wait_for_state("mcns", "healthy")["ports"]
    assert f"{LAN}:53/udp" in shown and f"{LAN}:53/tcp" in shown
    checks = deployed.mcp("--json", "doctor", "port53", code=None).stdout
    assert "port 53 is free or ours" in checks, checks


def test_server_sees_the_addresses_of_its_clients(deployed):
    tail = deployed.store.popen(BIN / "mcns", "--socket", deployed.srv / "mcns/admin.sock",
                                "--no-color", "tail", "--queries", stdout=-1, stderr=-2, text=True)
    lines = Lines(tail)
    try:
        # Asked until it is seen: nothing tells when the tail has begun to listen.
        eventually(lambda: ask(deployed, CLIENT) and
                   any(CLIENT in line for line in lines.lines), "the client over UDP")
        eventually(lambda: ask(deployed, TCP_CLIENT, "+tcp") and
                   any(TCP_CLIENT in line for line in lines.lines), "the client over TCP")
    finally:
        lines.end()


# MCNS-A11: a name service in a rootless container, whose sockets the agent holds, is replaced ten
# times while it is asked, and every question is answered.
def test_nothing_is_lost_while_the_container_is_replaced(deployed):
    ids = {container(deployed)["id"]}

    with Load(deployed) as load:
        for number in range(10):
            deployed.define("mcns", definition(IMAGES[(number + 1) % 2]))
            deployed.mcp("deploy", "mcns")
            ids.add(container(deployed)["id"])

    assert len(ids) == 11
    load.assert_nothing_lost()


def test_nothing_is_lost_while_the_container_is_killed_and_restarted(deployed):
    former = container(deployed)

    with Load(deployed) as load:
        with load.quiet():
            os.kill(former["pid"], signal.SIGKILL)
        wait_for_restart(deployed, former)

    load.assert_nothing_lost()


def test_nothing_is_lost_while_the_agent_is_restarted_and_the_container_after_it(deployed):
    before = deployed.identities()

    with Load(deployed) as load:
        deployed.stop()
        former_log = len(deployed.log.read_text())
        deployed.start(agent__watch_interval="1s")
        assert deployed.identities() == before, "no container is touched"
        restarted = deployed.log.read_text()[former_log:]
        assert restarted.count("has taken a socket back from its container") == 2
        assert "holds a socket" not in restarted, "nothing is bound a second time"
        # What the agent has taken back outlives the container.
        former = container(deployed)
        with load.quiet():
            os.kill(former["pid"], signal.SIGKILL)
        wait_for_restart(deployed, former)

    load.assert_nothing_lost()


def test_nothing_is_lost_when_the_agent_is_killed(deployed):
    before = deployed.identities()

    with Load(deployed) as load:
        deployed.kill()
        deployed.start(agent__watch_interval="1s")
        deployed.define("mcns", definition(IMAGES[1]))
        deployed.mcp("deploy", "mcns")

    assert deployed.identities() != before
    load.assert_nothing_lost()


def test_container_that_starts_without_an_agent_waits_for_it(deployed):
    former = container(deployed)
    deployed.stop()
    os.kill(former["pid"], signal.SIGKILL)
    eventually(lambda: "waits for its sockets" in deployed.store.run(
        "podman", "logs", "mcns", check=False).stdout + deployed.store.run(
        "podman", "logs", "mcns", check=False).stderr, "the service says that it waits")

    deployed.start(agent__watch_interval="1s")

    eventually(lambda: ask(deployed) == ANSWER, "it has its sockets")
    deployed.wait_for_state("mcns", "healthy")


def test_taken_port_rolls_the_deploy_back_and_says_who_holds_it(deployed):
    before = deployed.identities()
    holder = call_in_netns(f"/run/netns/{deployed.store.netns}",
                           lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with holder:
        holder.bind((LAN, 5354))
        deployed.define("mcns", definition(port=5354))

        failed = deployed.mcp("deploy", "mcns", code=6)

    said = failed.stdout + failed.stderr
    assert f"udp:{LAN}:5354 is taken" in said and "mcp ports" in said, said
    assert deployed.identities() == before, "the container was not touched"
    assert ask(deployed) == ANSWER


def test_definition_that_goes_from_a_socket_to_a_port_and_back(deployed):
    published = definition(sockets=()).replace(
        'stop_timeout', f'ports = ["{LAN}:53:5399/udp", "{LAN}:53:5399/tcp"]\nstop_timeout')
    config = deployed.srv / "mcns/mcns.toml"
    config.write_text(CONFIG.replace("127.0.0.1:5399", "0.0.0.0:5399"))
    deployed.define("mcns", published)

    deployed.mcp("deploy", "mcns")
    assert ask(deployed) == ANSWER
    assert "MC_SOCKETS" not in " ".join(container(deployed)["env"])
    deployed.define("mcns", definition())
    deployed.mcp("deploy", "mcns")

    assert ask(deployed) == ANSWER
    assert "MC_SOCKETS" in " ".join(container(deployed)["env"])


def test_stopped_service_refuses_at_once_and_started_it_answers(deployed):
    deployed.mcp("stop", "mcns")
    refused = deployed.in_netns("dig", f"@{LAN}", "+tries=1", "+time=5", NAME, "A").stdout
    assert "connection refused" in refused, refused

    deployed.mcp("start", "mcns")

    assert ask(deployed) == ANSWER


def test_undeployed_service_leaves_no_socket(deployed):
    deployed.mcp("undeploy", "mcns", "--yes")

    free = call_in_netns(f"/run/netns/{deployed.store.netns}",
                         lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with free:
        free.bind((LAN, PORT))
    assert not (deployed.srv / "mcp/sockets/mcns").exists()
