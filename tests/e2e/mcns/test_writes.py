"""Writes and what is seen of them: at once, everywhere, and never two things that exclude each
other."""
import collections
import pathlib
import random
import sqlite3
import threading
import time
import urllib.request

import grpc
import pytest
from api_server import ApiServer, Questioner, address, grpc_code, soa_serial
from name_servers import free_port

ZONE = "example.test"
WRITES = 1000
NAMES = [f"n{i}" for i in range(12)]


@pytest.fixture
def server(tmp_path):
    with ApiServer(tmp_path) as made:
        made.cli("zone", "create", ZONE, "--ns", "ns1")
        yield made


class Model:
    """What the zone has to hold: name -> numbers of its addresses."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.zone = {}

    def values(self):
        return {self.random.randrange(6) for _ in range(self.random.randint(1, 3))}

    def operation(self):
        """(verb, name, numbers)."""
        verb = self.random.choice(("add", "set", "set", "again", "delete"))
        name = self.random.choice(NAMES)
        if verb == "again" and name in self.zone:
            return "set", name, self.zone[name]
        if verb == "add":
            return verb, name, {self.random.randrange(6)}
        return ("delete", name, set()) if verb == "delete" else ("set", name, self.values())

    def apply(self, operations):
        """(OK, the zone after them), or the code that they end with and the zone as it is."""
        after = {name: set(numbers) for name, numbers in self.zone.items()}
        for verb, name, numbers in operations:
            have = after.setdefault(name, set())
            if verb == "add" and numbers & have:
                return "ALREADY_EXISTS", self.zone
            if verb == "delete" and not have:
                return "NOT_FOUND", self.zone
            if verb == "add":
                have |= numbers
            else:
                after[name] = set(numbers)
        return "OK", {name: numbers for name, numbers in after.items() if numbers}


def texts(numbers):
    return [address(number)[0] for number in sorted(numbers)]


def write_by_grpc(api, operations, batch):
    if batch:
        return api.call("RecordService.BatchRecords", zone=ZONE, operations=[
            {"verb": verb, "name": name, "type": "A", "values": texts(numbers)}
            for verb, name, numbers in operations]).serial
    (verb, name, numbers), = operations
    if verb == "add":
        return api.call("RecordService.CreateRecord", zone=ZONE, name=name, type="A",
                        value=texts(numbers)[0]).serial
    if verb == "set":
        return api.call("RecordService.SetRRset", zone=ZONE, name=name, type="A",
                        values=texts(numbers)).serial
    return api.call("RecordService.DeleteRRset", zone=ZONE, name=name, type="A").serial


def write_by_rest(rest, operations, batch):
    base = f"/v1/zones/{ZONE}"
    if batch:
        status, reply = rest.call("POST", f"{base}/records:batch", {"operations": [
            {"verb": verb, "name": name, "type": "A", "values": texts(numbers)}
            for verb, name, numbers in operations]})
    else:
        (verb, name, numbers), = operations
        if verb == "add":
            status, reply = rest.call("POST", f"{base}/records", {
                "name": name, "type": "A", "value": texts(numbers)[0]})
        elif verb == "set":
            status, reply = rest.call("PUT", f"{base}/rrsets/{name}/A", {"values": texts(numbers)})
        else:
            status, reply = rest.call("DELETE", f"{base}/rrsets/{name}/A")
    assert status == (201 if not batch and verb == "add" else 200), (status, reply, operations)
    return reply["serial"]


def switches(server):
    """Worker -> how often it has waited, which it does once a batch of questions at least."""
    found = {}
    for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        if name.startswith("dns-"):
            line = next(line for line in (task / "status").read_text().splitlines()
                        if line.startswith("voluntary_ctxt_switches"))
            found[name] = int(line.split()[1])
    return found


# MCNS-A2: After each of 1 000 random writes and batches by gRPC and REST, the next question over
# UDP and TCP on every worker shows it; the serial is up by one for each that changed something, and
# as it was for each that did not.
def test_what_is_acknowledged_is_seen_everywhere(server):
    model = Model(2)
    serial = server.serial(ZONE)
    counts = collections.Counter()
    token = server.token("root", "admin")
    began = switches(server)
    with server.grpc(token) as api, server.rest(token) as rest, \
            Questioner(server.port, udp=12, tcp=6) as questioner:
        for _ in range(WRITES):
            batch = model.random.random() < 0.4
            operations = [model.operation()
                          for _ in range(model.random.randint(1, 6) if batch else 1)]
            code, after = model.apply(operations)
            by_rest = model.random.random() < 0.5
            if code != "OK":
                assert grpc_code(write_by_grpc, api, operations, batch) == code, operations
                counts["refused"] += 1
            else:
                told = (write_by_rest(rest, operations, batch) if by_rest else
                        write_by_grpc(api, operations, batch))
                changed = after != model.zone
                serial += changed
                assert told == serial, (operations, model.zone)
                model.zone = after
                counts["changed" if changed else "unchanged"] += 1
            for name in sorted({name for _, name, _ in operations}):
                expected = sorted(address(each)[1] for each in model.zone.get(name, ()))
                seen = questioner.ask_everywhere(f"{name}.{ZONE}", "A")
                assert [rdata for _, rdata in seen] == [expected] * 18, (name, operations)
            assert {soa_serial(each) for each in questioner.ask_everywhere(ZONE, "SOA")} == {serial}
    assert min(counts[kind] for kind in ("changed", "unchanged", "refused")) > 20, counts
    workers = {name: count - began[name] for name, count in switches(server).items()}
    assert len(workers) == 2 and min(workers.values()) > WRITES, workers


# MCNS-A4: 64 concurrent writers by the API and by imports, of aliases and other records at the same
# few names, leave no name with a CNAME and anything else, at no time.
def test_no_writers_break_the_exclusivity_of_cname(server):
    counts, problems = collections.Counter(), []
    lock = threading.Lock()
    done = threading.Event()
    channels = [server.grpc() for _ in range(8)]

    def write(api, number):
        own = random.Random(number)
        name = own.choice(NAMES[:5])
        kind = own.choice(("CNAME", "A", "TXT"))
        value = {"CNAME": f"t{own.randrange(3)}", "A": address(own.randrange(9))[0],
                 "TXT": f"v{own.randrange(9)}"}[kind]
        kind_of_write = own.choice(("create", "set", "batch", "delete", "merge", "replace"))
        if kind_of_write == "create":
            api.call("RecordService.CreateRecord", zone=ZONE, name=name, type=kind, value=value)
        elif kind_of_write == "set":
            api.call("RecordService.SetRRset", zone=ZONE, name=name, type=kind, values=[value])
        elif kind_of_write == "batch":
            api.call("RecordService.BatchRecords", zone=ZONE, operations=[
                {"verb": "delete", "name": name},
                {"verb": "set", "name": name, "type": kind, "values": [value]},
                {"verb": "set", "name": own.choice(NAMES[:5]), "type": kind, "values": [value]}])
        elif kind_of_write == "delete":
            api.call("RecordService.BatchRecords", zone=ZONE,
                     operations=[{"verb": "delete", "name": name}])
        else:
            text = f"{name} 300 IN {kind} {value}\n"
            if kind_of_write == "replace":
                text += "@ 300 IN NS ns1\n"
            api.call("ZoneService.ImportZone", zone=ZONE, text=text,
                     merge=kind_of_write == "merge", change={"force": True})
        return kind_of_write

    def writer(number):
        for turn in range(25):
            try:
                told = write(channels[number % 8], number * 1000 + turn)
            except grpc.RpcError as error:
                told = error.code().name
            except Exception as error:  # pylint: disable=broad-except
                told = repr(error)
            with lock:
                counts[told] += 1

    def look(records):
        kinds = collections.defaultdict(list)
        for each in records:
            kinds[each["name"]].append(each["type"])
        problems.extend(item for item in kinds.items()
                        if "CNAME" in item[1] and len(item[1]) > 1)

    def watcher():
        while not done.wait(0.2):
            look(server.records(ZONE))

    watching = threading.Thread(target=watcher)
    threads = [threading.Thread(target=writer, args=(number,)) for number in range(64)]
    watching.start()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    done.set()
    watching.join()
    look(server.records(ZONE))

    assert not problems
    # ABORTED: something stands in the way. NOT_FOUND: a `delete` of nothing.
    expected = {"create", "set", "batch", "delete", "merge", "replace", "ABORTED", "NOT_FOUND"}
    assert set(counts) - {"ALREADY_EXISTS"} == expected, counts
    assert min(counts[each] for each in expected) > 20, counts


def commits_of(address_of_metrics):
    with urllib.request.urlopen(f"http://{address_of_metrics}/metrics", timeout=20) as reply:
        for line in reply.read().decode().splitlines():
            if line.startswith("mc_mcns_commit_seconds_count "):
                return int(float(line.split()[1]))
    return 0


def test_writes_that_wait_at_once_share_their_commits(tmp_path):
    metrics = f"127.0.0.1:{free_port()}"
    with ApiServer(tmp_path, metrics={"addr": metrics}) as server, server.grpc() as api:
        server.cli("zone", "create", ZONE, "--ns", "ns1")
        before = commits_of(metrics)
        # Somebody else writes the database, so that all of them have to wait.
        lock = sqlite3.connect(server.database, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        waiting = [api.begin("RecordService.SetRRset", zone=ZONE, name=f"w{i}", type="A",
                             values=["192.0.2.1"]) for i in range(32)]
        time.sleep(1)
        lock.execute("ROLLBACK")
        lock.close()
        serials = {each.result().serial for each in waiting}
        assert len(serials) == 32, "one for each"
        assert commits_of(metrics) - before <= 3
        assert all(server.lookup(f"w{i}.{ZONE}") == (0, [bytes((192, 0, 2, 1))])
                   for i in range(32))
