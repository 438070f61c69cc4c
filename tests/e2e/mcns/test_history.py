"""History, zone files, and what they refuse."""
import json
import re

import grpc
import pytest
from api_server import ApiServer, address, content, grpc_code, replay

ZONE = "example.test"
NAMES = 50


def zone_file(numbers, more=""):
    lines = [f"$ORIGIN {ZONE}.", "$TTL 300", "@ IN NS ns1", "ns1 IN A 192.0.2.53"]
    lines += [f"h{number} IN A {address(number)[0]}" for number in numbers]
    return "\n".join(lines) + "\n" + more


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ApiServer(tmp_path_factory.mktemp("mcns")) as made:
        yield made


@pytest.fixture
def zone(server):
    """The zone anew, with ns1 and h0 ... h49."""
    if ZONE in server.cli("zone", "list").stdout:
        server.cli("zone", "delete", ZONE)
    server.cli("zone", "create", ZONE, "--ns", "ns1")
    server.cli("import", server.file(zone_file(range(NAMES))), "--zone", ZONE, "--replace")
    return server


def state(server):
    return server.serial(ZONE), content(server.records(ZONE))


# MCNS-A14: An import that loses 60 % of the names is refused with both counts and passes with
# --force; a zone file with an error on line N changes nothing and names line N.
def test_an_import_that_loses_much_or_is_wrong_changes_nothing(zone, tmp_path):
    before = state(zone)
    few = zone_file(range(20))

    refused = zone.cli("import", zone.file(few), "--zone", ZONE, "--replace", code=6)

    assert re.search(r"guard: this would remove 30 of the 52 names", refused.stderr)
    assert "--force" in refused.stderr
    assert state(zone) == before
    assert zone.lookup(f"h49.{ZONE}") == (0, [address(49)[1]])
    applied = zone.cli("apply", zone.file(few), "--zone", ZONE, code=6)
    assert "30 of the 52" in applied.stderr
    assert state(zone) == before

    wrong = tmp_path / "wrong.zone"
    for line in (1, 7, 30):
        lines = zone_file(range(NAMES)).splitlines()
        lines.insert(4, "extra IN A 192.0.2.77")
        lines.insert(line - 1, "h1 IN A 192.0.2.256")
        wrong.write_text("\n".join(lines) + "\n")
        for command in (["import", wrong, "--zone", ZONE, "--replace", "--force"],
                        ["import", wrong, "--zone", ZONE, "--merge"],
                        ["apply", wrong, "--zone", ZONE]):
            told = zone.cli(*command, code=2).stderr
            assert f"  wrong.zone:{line}:" in told, told
    assert state(zone) == before

    zone.cli("import", zone.file(few), "--zone", ZONE, "--replace", "--force")
    assert len(zone.records(ZONE)) == 22
    assert zone.lookup(f"h49.{ZONE}")[0] == 3


def test_every_mistake_of_a_file_is_told(zone, tmp_path):
    wrong = tmp_path / "wrong.zone"
    wrong.write_text(zone_file(range(3), "a IN A 1.2.3\nb IN MX mail\nc IN NONSENSE 1\n"))
    told = zone.cli("import", wrong, "--zone", ZONE, "--merge", code=2).stderr
    assert re.findall(r"^  wrong\.zone:(\d+:\d+): ", told, re.M) == ["8:8", "9:9", "10:6"], told


def test_apply_shows_what_differs_and_does_it_once(zone):
    serial, _ = state(zone)
    wanted = zone_file([*range(1, NAMES), 60])

    shown = zone.cli("apply", zone.file(wanted), "--zone", ZONE, "--dry-run").stdout
    assert re.search(r"^- h0 300 A 10\.0\.0\.0$", shown, re.M)
    assert re.search(r"^\+ h60 300 A 10\.0\.0\.60$", shown, re.M)
    assert zone.serial(ZONE) == serial

    done = zone.cli("apply", zone.file(wanted), "--zone", ZONE).stdout
    assert "- h0 300 A 10.0.0.0" in done and "+ h60 300 A 10.0.0.60" in done
    assert zone.serial(ZONE) == serial + 1
    assert zone.lookup(f"h60.{ZONE}") == (0, [address(60)[1]])
    assert zone.lookup(f"h0.{ZONE}")[0] == 3

    again = zone.cli_json("apply", zone.file(wanted), "--zone", ZONE)
    assert not again["changed"] and again["changes"] == []
    assert zone.serial(ZONE) == serial + 1


def test_history_diff_and_rollback_agree(zone):
    serial, records = state(zone)
    zone.cli("record", "add", ZONE, "new", "A", "192.0.2.1")
    zone.cli("record", "set", ZONE, "h1", "A", "192.0.2.2", "192.0.2.3", "--ttl", 60)
    zone.cli("record", "rm", ZONE, "h2")
    later = zone.serial(ZONE)
    assert later == serial + 3

    journal = zone.history(ZONE)
    assert replay(journal) == (content(zone.records(ZONE)), later)
    assert {(entry["actor"], entry["source"]) for entry in journal if
            entry["serial_from"] >= serial} == {("uid:0", "api")}
    assert [entry["serial_to"] for entry in journal if entry["difference"]["name"] == "h2"] == [
        serial, serial + 3]
    of_name = zone.cli("history", ZONE, "--name", "new", "--json").stdout.splitlines()
    assert [json.loads(line)["serial_to"] for line in of_name] == [serial + 1]

    differs = zone.cli("diff", ZONE, "--from", serial, code=10).stdout
    assert set(differs.splitlines()) >= {
        "+ new 300 A 192.0.2.1", "+ h1 60 A 192.0.2.2", "+ h1 60 A 192.0.2.3",
        "- h1 300 A 10.0.0.1", "- h2 300 A 10.0.0.2"}

    shown = zone.cli("rollback", ZONE, "--to", serial, "--dry-run").stdout
    assert "- new 300 A 192.0.2.1" in shown and zone.serial(ZONE) == later
    zone.cli("rollback", ZONE, "--to", serial)

    assert state(zone) == (later + 1, records)
    assert zone.lookup(f"h2.{ZONE}") == (0, [address(2)[1]])
    assert zone.lookup(f"new.{ZONE}")[0] == 3
    zone.cli("diff", ZONE, "--from", serial)  # nothing differs in the end
    sources = {entry["source"] for entry in zone.history(ZONE) if entry["serial_to"] == later + 1}
    assert sources == {"rollback"}
    zone.cli("rollback", ZONE, "--to", later)
    assert zone.serial(ZONE) == later + 2
    assert zone.lookup(f"new.{ZONE}") == (0, [b"\xc0\x00\x02\x01"])
    zone.cli("rollback", ZONE, "--to", later + 500, code=3)


VARIED = r"""@ MX 10 mail
@ TXT "a \"quoted\" text" "and \\ more;" ""
mail AAAA 2001:db8::1
_sip._tcp SRV 1 2 5060 mail
*.wild CNAME mail
sub NS ns.sub
ns.sub A 192.0.2.9
sub DS 1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
@ CAA 0 issue "ca.example"
a\.b\032c 60 A 192.0.2.10
MiXed A 192.0.2.11
svc HTTPS 1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1
odd TYPE65280 \# 3 010203
loc LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000.00m 10.00m
key TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
away DNAME other.test.
"""


def test_an_export_imported_is_the_same_zone(zone, tmp_path):
    zone.cli("import", zone.file(f"$ORIGIN {ZONE}.\n$TTL 300\n" + VARIED), "--zone", ZONE,
             "--merge")
    exported = zone.cli("export", ZONE).stdout
    file = tmp_path / "exported.txt"
    zone.cli("export", ZONE, "--out", file)
    assert file.read_text() == exported
    zone.cli("diff", ZONE, file)
    again = zone.cli_json("import", file, "--replace")
    assert not again["changed"], "the same zone, the same serial"

    with ApiServer(tmp_path / "other") as other:
        other.cli("import", file, "--create")
        assert other.cli("export", ZONE).stdout == exported
        assert content(other.records(ZONE)) == content(zone.records(ZONE))
        assert other.lookup(f"h1.{ZONE}") == (0, [address(1)[1]])


def test_a_zone_made_anew_goes_on_from_its_serial(zone):
    serial, records = state(zone)
    exported = zone.cli("export", ZONE).stdout
    zone.cli("zone", "delete", ZONE)
    assert zone.lookup(f"h1.{ZONE}")[0] == 5, "REFUSED: not ours any more"

    zone.cli("import", zone.file(exported), "--create")

    assert state(zone) == (serial + 1, records), "secondaries have to take it for newer"


def test_a_stale_serial_is_412_and_changes_nothing(zone):
    before = state(zone)
    with zone.rest(zone.token("stale", "admin")) as rest:
        for verb, path, body in (
                ("POST", "records", {"name": "x", "type": "A", "value": "192.0.2.1"}),
                ("PUT", "rrsets/h1/A", {"values": ["192.0.2.1"]}),
                ("POST", "records:batch", {"operations": [{"verb": "delete", "name": "h1"}]}),
                ("POST", "import", {"text": zone_file(range(49)), "merge": True}),
                ("POST", "apply", {"text": zone_file(range(49))}),
                ("POST", "rollback", {"to_serial": before[0]})):
            body["change"] = {"if_serial": before[0] - 1}
            status, error = rest.call(verb, f"/v1/zones/{ZONE}/{path}", body)
            assert (status, error["code"]) == (412, "failed_precondition"), (path, error)
            assert str(before[0]) in error["error"] and str(before[0] - 1) in error["error"]
            del body["change"]
            status, error = rest.call(verb, f"/v1/zones/{ZONE}/{path}", body,
                                      {"If-Match": f'"{before[0] - 1}"'})
            assert (status, error["code"]) == (412, "failed_precondition"), (path, error)
        status, error = rest.call("DELETE", f"/v1/zones/{ZONE}/rrsets/h1/A", None,
                                  {"If-Match": f'"{before[0] - 1}"'})
        assert status == 412, error
        assert state(zone) == before
        status, reply = rest.call("PUT", f"/v1/zones/{ZONE}/rrsets/h1/A", {
            "values": ["192.0.2.1"], "change": {"if_serial": before[0]}})
        assert (status, reply["serial"]) == (200, before[0] + 1)


def test_the_same_request_again_gets_the_first_answer(zone):
    with zone.rest(zone.token("again", "admin")) as rest:
        body = {"name": "once", "type": "A", "value": "192.0.2.1", "change": {"request_id": "one"}}
        first = rest.call("POST", f"/v1/zones/{ZONE}/records", body)
        assert first[0] == 201
        assert rest.call("POST", f"/v1/zones/{ZONE}/records", body) == first
        del body["change"]
        assert rest.call("POST", f"/v1/zones/{ZONE}/records", body,
                         {"Idempotency-Key": "one"}) == first
        body["value"] = "192.0.2.2"
        assert rest.call("POST", f"/v1/zones/{ZONE}/records", body,
                         {"Idempotency-Key": "one"})[0] == 409


REFUSED = [
    (404, "not_found", "POST", "/v1/zones/none.test/records",
     {"name": "x", "type": "A", "value": "192.0.2.1"}, "none.test"),
    (404, "not_found", "GET", f"/v1/zones/{ZONE}/records/999999", None, "999999"),
    (404, "not_found", "GET", f"/v1/zones/{ZONE}/rrsets/none/A", None, "none"),
    (409, "already_exists", "POST", f"/v1/zones/{ZONE}/records",
     {"name": "h1", "type": "A", "value": "10.0.0.1"}, f"h1.{ZONE}. A 10.0.0.1"),
    (409, "conflict", "POST", f"/v1/zones/{ZONE}/records",
     {"name": "h1", "type": "CNAME", "value": "h2"}, f"h1.{ZONE}. A 10.0.0.1"),
    (409, "conflict", "POST", f"/v1/zones/{ZONE}/records",
     {"name": "@", "type": "CNAME", "value": "h2"}, "CNAME"),
    (409, "conflict", "DELETE", f"/v1/zones/{ZONE}/rrsets/@/NS", None, "NS"),
    (409, "already_exists", "POST", "/v1/zones", {"name": ZONE, "primary_ns": "ns1"}, ZONE),
    (400, "invalid_argument", "POST", f"/v1/zones/{ZONE}/records",
     {"name": "x", "type": "A", "value": "192.0.2.256"}, "192.0.2.256"),
    (400, "invalid_argument", "POST", f"/v1/zones/{ZONE}/records",
     {"name": "x", "type": "A", "value": "192.0.2.1", "ttl": 2147483648}, "ttl"),
    (400, "invalid_argument", "POST", f"/v1/zones/{ZONE}/records",
     {"name": "l" * 64, "type": "A", "value": "192.0.2.1"}, "name"),
    (400, "invalid_argument", "POST", f"/v1/zones/{ZONE}/records",
     {"name": "x", "type": "NONSENSE", "value": "192.0.2.1"}, "type"),
    (400, "invalid_argument", "POST", f"/v1/zones/{ZONE}/records",
     {"name": "x.other.test.", "type": "A", "value": "192.0.2.1"}, "name"),
    (400, "invalid_argument", "POST", f"/v1/zones/{ZONE}/records",
     {"name": "*", "type": "NS", "value": "ns1"}, "name"),
]


@pytest.mark.parametrize("status,code,verb,path,body,said", REFUSED)
def test_what_is_refused_says_why(server, request, status, code, verb, path, body, said):
    if ZONE not in server.cli("zone", "list").stdout:
        request.getfixturevalue("zone")
    before = state(server)
    with server.rest(server.token(f"r{abs(hash((path, str(body))))}", "admin")) as rest:
        got, error = rest.call(verb, path, body)
    assert (got, error["code"]) == (status, code), error
    assert said in error["error"] + error["hint"] + json.dumps(error["details"]), error
    assert error["request_id"]
    if status == 400:
        assert error["hint"] or error["details"], error
    assert state(server) == before


def test_too_much_at_once_is_refused(zone):
    before = state(zone)
    operations = [{"verb": "set", "name": f"b{number}", "type": "A", "values": ["192.0.2.1"]}
                  for number in range(10001)]
    with zone.rest(zone.token("much", "admin")) as rest:
        status, error = rest.call("POST", f"/v1/zones/{ZONE}/records:batch",
                                  {"operations": operations})
        assert (status, error["code"]) == (413, "too_large")
        assert "10001" in error["error"] and "10000" in error["error"]
        assert state(zone) == before
        status, _ = rest.call("POST", f"/v1/zones/{ZONE}/records:batch",
                              {"operations": operations[:10000]})
        assert status == 200 and zone.serial(ZONE) == before[0] + 1
    with zone.grpc() as api:
        assert grpc_code(api.call, "RecordService.BatchRecords", zone=ZONE,
                         operations=operations) == grpc.StatusCode.RESOURCE_EXHAUSTED.name


# More changes than the journal takes: not listed, and otherwise as any import, also after a restart.
def test_a_zone_replaced_beyond_the_journal_is_the_file(tmp_path):
    with ApiServer(tmp_path, history={"rows": 1000}) as server:
        server.cli("zone", "create", ZONE, "--ns", "ns1")
        server.cli("import", server.file(zone_file(range(2000))), "--zone", ZONE, "--replace")
        server.cli("record", "add", ZONE, "later", "A", "192.0.2.1")
        before = server.serial(ZONE)
        file = server.file(zone_file(range(1000, 3000), VARIED))

        done = server.cli_json("import", file, "--zone", ZONE, "--replace", "--force")

        assert done["changed"] and server.serial(ZONE) == before + 1
        assert (f'before="{done["removed"]} records" after="{done["added"]} records"'
                in server.log_text())
        assert not server.history(ZONE)
        for _ in range(2):
            server.cli("diff", ZONE, file)
            assert server.lookup(f"h0.{ZONE}") == (3, [])
            assert server.lookup(f"later.{ZONE}") == (3, [])
            assert server.lookup(f"h2999.{ZONE}") == (0, [address(2999)[1]])
            server.kill()
            server.start()
        server.cli("record", "add", ZONE, "after", "A", "192.0.2.1")
        assert [entry["serial_to"] for entry in server.history(ZONE)] == [before + 2]
