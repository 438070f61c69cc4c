"""The same zones on five name servers: who differs from ours has a reason, or one of us is wrong.

MC_DIFFERENTIAL_SEED chooses other zones and questions, MC_DIFFERENTIAL_QUESTIONS says how many
(default 100 000).
"""
import collections
import concurrent.futures
import os
import random

import pytest
from asker import ask_all, ask_stream
from comparison import make_pair, unexplained
from fixtures import FILES, cases, zones as fixture_zones
from name_servers import Bind, Knot, Nsd, Ours, PowerDns, question
from random_zones import make_questions, make_zones
from reasons import REASONS
from replies import parse, type_number

PEERS = (Knot, Nsd, Bind, PowerDns)
QUESTIONS = int(os.environ.get("MC_DIFFERENTIAL_QUESTIONS", "100000"))
ZONES = 80
SHOWN = 20    # failures
START_S = 20  # of a server, for each zone


@pytest.fixture(scope="module")
def seed():
    return int(os.environ.get("MC_DIFFERENTIAL_SEED", "20261126"))


@pytest.fixture(scope="module")
def random_zones(seed):
    return make_zones(random.Random(seed), ZONES)


@pytest.fixture(scope="module")
def servers(tmp_path_factory, random_zones):
    """Name -> running server, each with the zones of the fixtures and the random ones."""
    missing = [kind.unavailable() for kind in (Ours, *PEERS) if kind.unavailable()]
    if missing:
        pytest.skip("; ".join(missing))
    folder = tmp_path_factory.mktemp("differential")
    files = fixture_zones()
    for origin, zone in random_zones.items():
        path = folder / f"{origin}zone"
        path.write_text(zone.text())
        files[origin] = str(path)
    started = {}
    try:
        for kind in (Ours, *PEERS):
            started[kind.name] = kind(folder, files)
            started[kind.name].start()
        for server in started.values():
            for origin in files:
                server.wait(origin, "SOA", START_S)
        yield started
    finally:
        for server in started.values():
            server.stop()


class Comparison:
    """Collects what differs without a reason. `zones`: origin -> Zone, or None."""

    def __init__(self, zones):
        self.zones = {origin.lower(): zone for origin, zone in zones.items()}
        self.used = collections.Counter()
        self.failures = []
        self.count = 0
        self._parsed = {}

    def add(self, place, name, dns_type, wires):
        """`wires`: server -> its reply."""
        replies = {server: self._parse(wire) for server, wire in wires.items()}
        ours = replies.pop("mcns")
        self.count += 1
        lines = ["a record is there twice"] if ours.repeated else []
        for peer, theirs in replies.items():
            fields = unexplained(peer, make_pair(name, dns_type, ours, theirs, self.zones),
                                 REASONS, self.used)
            if fields:
                lines.append(f"{peer} differs in {', '.join(fields)}:\n{theirs}")
        if lines:
            self.failures.append("\n".join([f"{place}: {name} {dns_type}", *lines,
                                            f"mcns:\n{ours}"]))

    def check(self):
        for (peer, text), times in sorted(self.used.items()):
            print(f"{times:7} times {peer}: {text}")
        assert not self.failures, (
            f"{len(self.failures)} of {self.count} questions differ without a reason\n\n"
            + "\n\n".join(self.failures[:SHOWN]))

    def _parse(self, wire):
        # Without the ID; many answers come again and again.
        key = wire[2:]
        found = self._parsed.get(key)
        if found is None:
            found = self._parsed[key] = parse(wire)
        return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_published_faults_are_not_ours(servers, file):
    comparison = Comparison(dict.fromkeys(fixture_zones()))
    for case in cases(file):
        packet = question(1, case.name, type_number(case.type), case.edns_size)
        ask = ask_stream if case.stream else ask_all
        wires = {name: ask(server.address, [packet])[0] for name, server in servers.items()}
        comparison.add(case.place, case.name, case.type, wires)
    comparison.check()


# MCNS-A6: five servers with the same zones, the published classes of faults above and 100 000
# random questions here; every difference has its reason in reasons.py.
def test_random_questions_are_answered_alike(servers, random_zones, seed):
    print(f"replay with MC_DIFFERENTIAL_SEED={seed}")
    questions = make_questions(random.Random(seed + 1), random_zones, QUESTIONS)
    sizes = random.Random(seed + 2).choices((1232, 0), (4, 1), k=QUESTIONS)  # 0: without EDNS
    packets = [question(0, *each, udp_size=size) for each, size in zip(questions, sizes)]
    with concurrent.futures.ThreadPoolExecutor(len(servers)) as threads:
        asked = {name: threads.submit(ask_all, server.address, packets)
                 for name, server in servers.items()}
    replies = {name: each.result() for name, each in asked.items()}

    comparison = Comparison(random_zones)
    for index, (name, dns_type) in enumerate(questions):
        comparison.add(f"seed {seed}", name, dns_type,
                       {server: wires[index] for server, wires in replies.items()})
    comparison.check()
