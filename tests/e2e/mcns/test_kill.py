"""What is acknowledged stays: through kill -9, in snapshots, and when the database is gone."""
import random
import shutil
import socket
import sqlite3
import threading
import time

import grpc
from api_server import ApiServer, Questioner, address, content, replay, soa_serial
from mcns_server import eventually

ZONE = "example.test"
KILLS = 200
WRITERS = 8


def check_journal(server):
    """The journal is the zone, to its serial; returns the journal."""
    journal = server.history(ZONE)
    records, serial = replay(journal)
    assert records == content(server.records(ZONE))
    assert serial == server.serial(ZONE) == soa_serial(server.lookup(ZONE, "SOA"))
    return journal


def storm(server, turn, acknowledged):
    """Writes until the server is gone: addresses of names of the turn's own, by one and by two."""
    with server.grpc() as api:
        lock = threading.Lock()

        def write(writer):
            for number in range(10000):
                name = f"t{turn}-{writer}-{number}"
                value = address(turn << 16 | writer << 12 | number)[0]
                try:
                    if number % 3:
                        reply = api.call("RecordService.CreateRecord", zone=ZONE, name=name,
                                         type="A", value=value)
                    else:
                        reply = api.call("RecordService.BatchRecords", zone=ZONE, operations=[
                            {"verb": "add", "name": each, "type": "A", "values": [value]}
                            for each in (name, f"{name}-b")])
                except grpc.RpcError:
                    return
                with lock:
                    acknowledged[name] = (value, reply.serial)
                    if number % 3 == 0:
                        acknowledged[f"{name}-b"] = (value, reply.serial)

        threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
        for each in threads:
            each.start()
        yield
        for each in threads:
            each.join()


# MCNS-A12: kill -9 at 200 random points of a write storm: every acknowledged write is answered
# after the restart, its journal row has the serial that was told, and the journal from its
# beginning makes the zone and its serial.
def test_kill_at_any_point_loses_nothing(tmp_path):
    chance = random.Random(12)
    everything = {}
    with ApiServer(tmp_path) as server:
        server.cli("zone", "create", ZONE, "--ns", "ns1")
        for turn in range(KILLS):
            acknowledged = {}
            running = storm(server, turn, acknowledged)
            next(running)
            time.sleep(chance.uniform(0.002, 0.08))
            server.kill()
            assert next(running, None) is None
            server.start()
            with Questioner(server.port) as questioner:
                for name, (value, _) in acknowledged.items():
                    (rcode, seen), = questioner.ask_everywhere(f"{name}.{ZONE}", "A")
                    assert (rcode, [socket.inet_ntoa(each) for each in seen]) == (0, [value]), (
                        turn, name)
            everything.update(acknowledged)
            if turn % 50 == 49:
                told = {entry["difference"]["name"]: entry["serial_to"]
                        for entry in check_journal(server)}
                assert all(told[name] == serial for name, (_, serial) in everything.items())
        assert len(everything) > KILLS, "the storms were none"


def check_restored_copy(server, reply, before, after):
    """A snapshot of between `before` and `after`, the numbers that the writers were at."""
    server.cli("check")
    values = {name: value for name, _, value, _ in content(server.records(ZONE))}
    for writer, (first, last) in enumerate(zip(before, after)):
        assert values[f"left{writer}"] == values[f"right{writer}"]
        number = int.from_bytes(socket.inet_aton(values[f"left{writer}"])[2:], "big")
        assert first <= number <= last
    restored = server.serial(ZONE)
    assert {each["name"]: each["serial"] for each in reply["zones"]} == {ZONE: restored}
    check_journal(server)
    server.cli("record", "add", ZONE, "later", "A", "192.0.2.1")
    assert server.serial(ZONE) == restored + 1


# MCNS-A13: A snapshot under 500 writes a second restores to the zone of one moment: both records of
# each change or none, the serial that the snapshot told, and all that was acknowledged before it.
def test_a_snapshot_under_load_is_of_one_moment(tmp_path):
    with ApiServer(tmp_path) as server:
        server.cli("zone", "create", ZONE, "--ns", "ns1")
        server.cli("record", "add", ZONE, "ns1", "A", "192.0.2.53")
        acknowledged, ended = [0] * 16, threading.Event()
        with server.grpc() as api:

            def write(writer):
                number = 0
                while not ended.is_set():
                    number += 1
                    value = address(writer << 16 | number)[0]
                    api.call("RecordService.BatchRecords", zone=ZONE, operations=[
                        {"verb": "set", "name": f"{side}{writer}", "type": "A", "values": [value]}
                        for side in ("left", "right")])
                    acknowledged[writer] = number

            threads = [threading.Thread(target=write, args=(writer,)) for writer in range(16)]
            for each in threads:
                each.start()
            eventually(lambda: min(acknowledged) > 20, "the writers have begun")
            before, began = list(acknowledged), time.monotonic()
            reply = server.cli_json("snapshot")
            time.sleep(0.5)
            rate = (sum(acknowledged) - sum(before)) / (time.monotonic() - began)
            ended.set()
            for each in threads:
                each.join()
        after = list(acknowledged)
        assert rate > 500, f"{rate:.0f} writes/s"
        server.stop()

        shutil.copy2(reply["path"], server.database)
        server.start()
        check_restored_copy(server, reply, before, after)

        # After a crash the log of the database is there, too: `restore` sets it aside.
        server.kill()
        server.cli("restore", "--config", server.config, "--from", reply["path"])
        server.start()
        check_restored_copy(server, reply, before, after)


def test_snapshots_are_kept_as_told_and_whole(tmp_path):
    with ApiServer(tmp_path) as server:
        server.cli("zone", "create", ZONE, "--ns", "ns1")
        paths = []
        for _ in range(3):
            reply = server.cli_json("snapshot", "--keep", 2)
            paths.append(reply["path"])
            time.sleep(1.1)  # the name has seconds
        assert reply["removed"] == [paths[0]]
        assert sorted(map(str, (tmp_path / "backups").iterdir())) == paths[1:]
        for path in paths[1:]:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as copy:
                assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def replicated(folder, kind):
    mirror = folder / "mirror"
    mirror.mkdir()
    return ApiServer(folder, replica={kind: [str(mirror)], "encryption": "none"})


def fill(server):
    server.cli("zone", "create", ZONE, "--ns", "ns1")
    for number in range(10):
        server.cli("record", "add", ZONE, f"w{number}", "A", address(number)[0])
    return server.serial(ZONE), content(server.records(ZONE))


def check_restored(server, serial, records):
    assert "the database was gone and came back from its replica" in server.log_text()
    assert server.lookup(f"w9.{ZONE}") == (0, [address(9)[1]])
    assert (server.serial(ZONE), content(server.records(ZONE))) == (serial, records)
    check_journal(server)
    server.cli("record", "add", ZONE, "later", "A", "192.0.2.1")
    assert server.serial(ZONE) == serial + 1


def test_a_wiped_disk_comes_back_from_a_sync_mirror(tmp_path):
    with replicated(tmp_path, "sync_mirrors") as server:
        told = fill(server)
        server.kill()
        for path in server.folder.glob("mcns.db*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

        server.start()

        check_restored(server, *told)


def test_a_database_file_that_is_gone_comes_back_by_itself(tmp_path):
    with replicated(tmp_path, "mirrors") as server:
        told = fill(server)
        server.stop()
        server.database.unlink()

        server.start()

        check_restored(server, *told)
