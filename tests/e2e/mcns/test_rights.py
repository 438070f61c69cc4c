"""Who may do what, over the network."""
import pytest
from api_server import SERVICES, ApiServer, grpc_code

ZONES = ("svc.mcp.metacircular.net", "mcp.metacircular.net")
OTHER_NAMES = ("@", "other", "mcq2", "xmcq", "www.mcq", "_x.www.mcq", "www._x.mcq", "mcq.other",
               "_acme-challenge", "_acme-challenge.other", "*", "*.mcq", "_acme-challenge.*.mcq",
               "mcq.mcq", "*._acme-challenge.mcq")
OWN_NAMES = ("mcq", "_acme-challenge.mcq", "_https._tcp.mcq", "MCQ")
ROLES = {"mcq": "system", "mcp-agent": "system", "kyle": "read", "visitor": "guest",
         "root": "admin"}
VALUES = {"A": "192.0.2.1", "AAAA": "2001:db8::1", "TXT": "token", "NS": "ns1", "CNAME": "ns1",
          "DS": "1 13 2 " + "01" * 32, "DNAME": "other.test."}
ANY_REQUEST = {"zone": ZONES[0], "name": "x", "type": "A", "value": "192.0.2.1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ApiServer(tmp_path_factory.mktemp("mcns")) as made:
        for zone in ZONES:
            made.cli("zone", "create", zone, "--ns", "ns1")
            made.cli("record", "add", zone, "other", "A", "192.0.2.9")
        yield made


@pytest.fixture(scope="module")
def clients(server):
    """Account -> its channel; "" is nobody's."""
    made = {name: server.grpc(server.token(name, role)) for name, role in ROLES.items()}
    made[""] = server.grpc("")
    yield made
    for each in made.values():
        each.__exit__()


def ways_to_write(zone, name, kind):
    """(method, request) of every way to put or to take away a record by its name."""
    where = {"zone": zone, "name": name, "type": kind}
    yield "RecordService.CreateRecord", {**where, "value": VALUES[kind]}
    yield "RecordService.SetRRset", {**where, "values": [VALUES[kind]]}
    yield "RecordService.DeleteRRset", where
    for verb, values in (("add", [VALUES[kind]]), ("set", [VALUES[kind]]), ("delete", [])):
        operation = {"verb": verb, "name": name, "type": kind, "values": values}
        yield "RecordService.BatchRecords", {"zone": zone, "operations": [operation]}
        if kind == "A":  # one that would be allowed does not help it
            yield "RecordService.BatchRecords", {"zone": zone, "operations": [
                {"verb": "set", "name": "mcq", "type": "A", "values": ["192.0.2.2"]}, operation]}


def everything_of(server):
    return {zone: (server.serial(zone), server.records(zone)) for zone in ZONES}


def request_for(method):
    """A request that could be allowed: the zone and a record, as far as it has such fields."""
    fields = method.input_type.fields_by_name
    request = {key: value for key, value in ANY_REQUEST.items() if key in fields}
    if "values" in fields:
        request["values"] = [ANY_REQUEST["value"]]
    if "operations" in fields:
        request["operations"] = [{"verb": "set", "name": "x", "type": "A",
                                  "values": [ANY_REQUEST["value"]]}]
    if "id" in fields:
        request["id"] = 1
    return request


def methods():
    for service in SERVICES.values():
        for method in service.methods:
            if "Watch" not in method.name:  # it would not end
                yield f"{service.name}.{method.name}", method


def writes(method):
    return not method.name.startswith(("List", "Get", "Export", "Check", "Explain", "Preview"))


# MCNS-A8: The account mcq writes its own name and its _acme-challenge in each zone and gets 403 for
# every other name, for NS, DS and DNAME, for wildcards and for zones; mcp-agent writes any record
# but no zone; a user reads; a guest may nothing; without a token everything is 401; and a service
# with an RPC that nobody has classified does not start (tests/dsl/rpc/descriptors_test.cc).
def test_accounts_may_do_what_they_are_for(server, clients):
    before = everything_of(server)
    mcq, agent = clients["mcq"], clients["mcp-agent"]

    for zone in ZONES:
        for name in OTHER_NAMES:
            for kind in ("A", "TXT", "NS", "CNAME"):
                for method, request in ways_to_write(zone, name, kind):
                    assert grpc_code(mcq.call, method, **request) == "PERMISSION_DENIED", request
        for name in OWN_NAMES:
            for kind in ("NS", "DS", "DNAME"):
                for method, request in ways_to_write(zone, name, kind):
                    assert grpc_code(mcq.call, method, **request) == "PERMISSION_DENIED", request
    others = next(each["id"] for each in server.records(ZONES[0]) if each["name"] == "other")
    for method in ("UpdateRecord", "DeleteRecord"):
        assert grpc_code(mcq.call, f"RecordService.{method}", zone=ZONES[0],
                         id=int(others)) == "PERMISSION_DENIED"
    assert everything_of(server) == before

    for account in (mcq, agent):
        for name, method in methods():
            if name.startswith("ZoneService") and writes(method):
                assert grpc_code(account.call, name,
                                 **request_for(method)) == "PERMISSION_DENIED", name
    for name, method in methods():
        request = request_for(method)
        assert grpc_code(clients[""].call, name, **request) == "UNAUTHENTICATED", name
        assert grpc_code(clients["visitor"].call, name, **request) == "PERMISSION_DENIED", name
        if writes(method) and "id" not in request:
            assert grpc_code(clients["kyle"].call, name, **request) == "PERMISSION_DENIED", name
    for method in ("UpdateRecord", "DeleteRecord"):
        assert grpc_code(clients["kyle"].call, f"RecordService.{method}", zone=ZONES[0],
                         id=int(others)) == "PERMISSION_DENIED"
    assert everything_of(server) == before

    assert len(clients["kyle"].call("RecordService.ListRecords", zone=ZONES[0]).records) == 2
    assert clients["kyle"].call("ZoneService.ExportZone", zone=ZONES[0])
    for zone in ZONES:
        for name in OWN_NAMES[:3]:
            for method, request in ways_to_write(zone, name, "TXT"):
                # The record of one way is there, or gone, for the next.
                assert grpc_code(mcq.call, method, **request) in ("OK", "ALREADY_EXISTS",
                                                                  "NOT_FOUND"), request
            mcq.call("RecordService.SetRRset", zone=zone, name=name, type="TXT", values=["mine"])
            assert server.lookup(f"{name}.{zone}", "TXT") == (0, [b"\x04mine"])
        for name in ("any", "*", "deep.below", "*.any", "@"):
            agent.call("RecordService.SetRRset", zone=zone, name=name, type="TXT", values=["all"])
        agent.call("RecordService.SetRRset", zone=zone, name="cut", type="NS", values=["ns1"])
        agent.call("RecordService.SetRRset", zone=zone, name="mcq", type="TXT", values=["agent"])
        agent.call("RecordService.DeleteRRset", zone=zone, name="other", type="A")
        assert server.lookup(f"other.{zone}", "A") == (0, [])


def test_rest_answers_the_same_numbers(server):
    path = f"/v1/zones/{ZONES[0]}/rrsets"
    for account, name, expected in (
            ("", "mcq", 401), ("wrong", "mcq", 401), ("visitor", "mcq", 403), ("kyle", "mcq", 403),
            ("mcq", "other", 403), ("mcq", "mcq", 200), ("mcp-agent", "other", 200)):
        token = account
        if account in ROLES:
            server.cli("token", "rm", account, code=None)
            token = server.token(account, ROLES[account])
        with server.rest(token) as rest:
            status, error = rest.call("PUT", f"{path}/{name}/A", {"values": ["192.0.2.5"]})
            assert status == expected, (account, name, error)
            if status == 403:
                assert error["hint"], "the rule"
            if account in ("", "wrong"):
                assert rest.call("GET", "/v1/zones")[0] == 401
            if account in ("", "wrong", "visitor"):
                assert rest.call("GET", "/v1/health")[0] == 200, "anybody"


def test_a_grant_widens_and_ends(server):
    zone, name = ZONES[0], "_acme-challenge.granted"
    with server.grpc(server.token("mca", "system")) as mca:
        request = {"zone": zone, "name": name, "type": "TXT", "values": ["one"]}
        assert grpc_code(mca.call, "RecordService.SetRRset", **request) == "PERMISSION_DENIED"
        with server.grpc() as root:
            grant = root.call("AdminService.CreateGrant", account="mca", zone="*",
                              name_pattern="_acme-challenge.*", types=["TXT"])
            mca.call("RecordService.SetRRset", **request)
            assert grpc_code(mca.call, "RecordService.SetRRset",
                             **{**request, "type": "A", "values": ["192.0.2.1"]}) == (
                                 "PERMISSION_DENIED")
            root.call("AdminService.DeleteGrant", id=grant.id)
        assert grpc_code(mca.call, "RecordService.SetRRset", **request) == "PERMISSION_DENIED"


def test_a_token_that_is_removed_is_worth_nothing(server):
    with server.grpc(server.token("gone", "admin")) as gone:
        gone.call("ZoneService.ListZones")
        server.cli("token", "rm", "gone")
        assert grpc_code(gone.call, "ZoneService.ListZones") == "UNAUTHENTICATED"


def test_the_owner_of_a_record_is_named(server):
    server.cli("record", "add", ZONES[1], "mcr", "A", "192.0.2.1")
    with server.rest(server.token("mcr", "system")) as mcr:
        status, error = mcr.call("PUT", f"/v1/zones/{ZONES[1]}/rrsets/mcr/A",
                                 {"values": ["192.0.2.2"]})
        assert status == 403 and "uid:0" in error["error"] + error["hint"], error
