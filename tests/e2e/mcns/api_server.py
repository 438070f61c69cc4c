"""mcns with its API on free ports of loopback, and three ways to talk to it: gRPC, REST, DNS.

    with ApiServer(folder) as server:
        server.cli("zone", "create", "example.test", "--ns", "ns1")
        server.grpc().call("RecordService.CreateRecord", zone="example.test", name="www", type="A",
                           value="192.0.2.1")
        server.lookup("www.example.test", "A")
"""
import http.client
import json
import pathlib
import random
import socket
import ssl
import struct
import subprocess
import sys

import grpc
from mcns_server import ROOT, McnsServer
from name_servers import free_port

sys.path.append(str(ROOT / "build/dev/gen/python"))
from mcns.v1 import admin_pb2, forward_pb2, record_pb2, watch_pb2, zone_pb2  # noqa: E402

SERVICES = {service.name: service
            for file in (admin_pb2, forward_pb2, record_pb2, watch_pb2, zone_pb2)
            for service in file.DESCRIPTOR.services_by_name.values()}
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "TXT": 16, "AAAA": 28}
TIMEOUT_S = 30


class ApiServer(McnsServer):
    """With two workers, TLS, and what asks for a zone's state. Its folder outlives it: `start`
    after `kill` is a restart."""

    def __init__(self, folder, **tables):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = folder / "server.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder / "server.key", "-out",
             self.certificate], check=True, capture_output=True)
        (folder / "server.key").chmod(0o600)
        self.grpc_address, self.rest_address = (f"127.0.0.1:{free_port()}" for _ in range(2))
        super().__init__(folder, dns={"workers": 2, **tables.pop("dns", {})}, **tables)
        self.write_config(server={
            "grpc_addr": self.grpc_address, "rest_addr": self.rest_address,
            "tls_cert": str(self.certificate), "tls_key": str(folder / "server.key")})

    def file(self, text):
        """A file with the text, for the next command."""
        path = self.folder / "given.txt"
        path.write_text(text)
        return path

    def records(self, zone):
        return self.cli_json("record", "list", zone)["records"]

    def serial(self, zone):
        return self.cli_json("zone", "show", zone)["serial"]

    def history(self, zone):
        """The whole journal, the oldest first."""
        lines = self.cli("--json", "history", zone, "--limit", 1000000).stdout.splitlines()
        return [json.loads(line) for line in reversed(lines)]

    def token(self, name, role):
        return self.cli("token", "add", name, "--role", role).stdout.strip()

    def grpc(self, token=None):
        """One channel: over TLS with a token (also an empty one), over the admin socket without."""
        if token is None:
            return Api(grpc.insecure_channel(f"unix:{self.socket}"))
        return Api(grpc.secure_channel(self.grpc_address, grpc.ssl_channel_credentials(
            self.certificate.read_bytes())), token)

    def rest(self, token):
        return Rest(self, token)

    def lookup(self, name, kind="A"):
        """(rcode, [rdata]) of the records of that type in the answer."""
        with Questioner(self.port) as questioner:
            return questioner.ask_everywhere(name, kind)[0]


class Api:
    def __init__(self, channel, token=""):
        self._channel = channel
        self._metadata = [("authorization", f"Bearer {token}")] if token else []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._channel.close()

    def _method(self, name):
        service, method = name.split(".")
        about = SERVICES[service].methods_by_name[method]
        make = (self._channel.unary_stream if about.server_streaming else
                self._channel.unary_unary)
        return about, make(
            f"/{SERVICES[service].full_name}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=about.output_type._concrete_class.FromString)

    def call(self, name, /, **fields):
        """The reply, or the list of them; grpc.RpcError."""
        about, method = self._method(name)
        reply = method(about.input_type._concrete_class(**fields), timeout=TIMEOUT_S,
                       metadata=self._metadata)
        return list(reply) if about.server_streaming else reply

    def begin(self, name, /, **fields):
        """The future of the reply."""
        about, method = self._method(name)
        return method.future(about.input_type._concrete_class(**fields), timeout=TIMEOUT_S,
                             metadata=self._metadata)


def grpc_code(call, /, *argv, **fields):
    """The name of the code that it ends with."""
    try:
        call(*argv, **fields)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


class Rest:
    """One HTTPS connection that is kept open."""

    def __init__(self, server, token):
        context = ssl.create_default_context(cafile=server.certificate)
        self._connection = http.client.HTTPSConnection(server.rest_address, context=context,
                                                       timeout=TIMEOUT_S)
        self._token = token

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def call(self, verb, path, body=None, headers=()):
        """(status, the JSON)."""
        fields = {"content-type": "application/json", **dict(headers)}
        if self._token:
            fields["authorization"] = f"Bearer {self._token}"
        text = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
        self._connection.request(verb, path, text, fields)
        reply = self._connection.getresponse()
        return reply.status, json.loads(reply.read() or b"null")


class Questioner:
    """Sockets with source ports of their own, so that every worker is asked; all kept open."""

    def __init__(self, port, udp=1, tcp=0):
        self._udp, self._tcp = [], []
        for _ in range(udp):
            made = socket.socket(type=socket.SOCK_DGRAM)
            made.settimeout(TIMEOUT_S)
            made.connect(("127.0.0.1", port))
            self._udp.append(made)
        for _ in range(tcp):
            stream = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._tcp.append((stream, stream.makefile("rb")))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for made in self._udp:
            made.close()
        for stream, reader in self._tcp:
            reader.close()
            stream.close()

    def ask_everywhere(self, name, kind):
        """(rcode, [rdata]) of each socket; all have the question before the first is read."""
        query = _query(name, kind)
        for made in self._udp:
            made.send(query)
        for stream, _ in self._tcp:
            stream.sendall(struct.pack("!H", len(query)) + query)
        replies = []
        for made in self._udp:
            reply = made.recv(65535)
            while reply[:2] != query[:2]:
                reply = made.recv(65535)
            replies.append(reply)
        for _, reader in self._tcp:
            replies.append(reader.read(*struct.unpack("!H", reader.read(2))))
        assert all(reply[:2] == query[:2] for reply in replies)
        return [_answers(reply, TYPES[kind]) for reply in replies]


def soa_serial(answers):
    """Of the one SOA in such an answer."""
    rcode, (rdata,) = answers
    assert rcode == 0
    return struct.unpack("!I", rdata[-20:-16])[0]


def address(number):
    """A text and its rdata: another one for each number below 2^24."""
    rdata = b"\x0a" + number.to_bytes(3, "big")
    return socket.inet_ntoa(rdata), rdata


def replay(journal):
    """What zone a journal from its beginning makes, {(name, type, value, ttl)}, and its serial.
    Each transaction has to go on where the last one ended."""
    records, at = set(), 0
    for entry in journal:
        if entry["serial_to"] != at:
            assert entry["serial_from"] == at, entry
            at = entry["serial_to"]
        change = entry["difference"]
        key = (change["name"], change["type"], change["value"], change["ttl"])
        if change["added"]:
            assert key not in records, entry
            records.add(key)
        else:
            records.remove(key)
    return records, at


def content(records):
    """Records of `record list --json` in the form of `replay`."""
    return {(each["name"], each["type"], each["value"], each["ttl"]) for each in records}


def _query(name, kind):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return (struct.pack("!6H", random.getrandbits(16), 0, 1, 0, 0, 0) + labels + b"\0" +
            struct.pack("!2H", TYPES[kind], 1))


def _answers(reply, kind):
    flags, _, count = struct.unpack("!3H", reply[2:8])
    assert flags & 0x200 == 0, "the answer is cut off"
    at = _after_name(reply, 12) + 4
    found = []
    for _ in range(count):
        at = _after_name(reply, at)
        type_, _, _, size = struct.unpack("!HHIH", reply[at:at + 10])
        at += 10
        if type_ == kind:
            found.append(reply[at:at + size])
        at += size
    return flags & 0xf, sorted(found)


def _after_name(reply, at):
    while reply[at] != 0:
        if reply[at] >= 0xc0:
            return at + 2
        at += 1 + reply[at]
    return at + 1
