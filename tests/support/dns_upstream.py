"""An upstream in the test's own process, on loopback, that does what a test says.

    with DnsUpstream(lambda query: answer(query, 60, "A", "192.0.2.1")) as upstream:
        ... dns={"upstreams": [upstream.address]} ...
"""
import socket
import socketserver
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from mcns_server import receive_octets, send_message
from name_servers import free_port

PROBE_TYPE = "NS"  # of the root: what a forwarder asks to see whether somebody is there


def answer(query, ttl, dns_type, *values):
    """A good answer with these records of the name that was asked."""
    response = dns.message.make_response(query, recursion_available=True)
    name = query.question[0].name
    response.answer.append(dns.rrset.from_text(name, ttl, "IN", dns_type, *values))
    return response


def refusal(query, rcode):
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(dns.rcode.from_text(rcode))
    return response


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    allow_reuse_address = True


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class DnsUpstream:
    """UDP and TCP on one port. `handler(query)` gives the response, or None for silence; it may
    take its time, others are answered meanwhile. Probes are answered apart and not counted."""

    def __init__(self, handler):
        self.handler = handler
        self.questions = []  # "www.example. A", in order
        self.port = free_port()
        self._servers = []

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        upstream = self

        class OnDatagram(socketserver.BaseRequestHandler):
            def handle(self):
                octets, own = self.request
                response = upstream.respond(octets, udp=True)
                if response is not None:
                    own.sendto(response, self.client_address)

        class OnConnection(socketserver.BaseRequestHandler):
            def handle(self):
                while (octets := receive_octets(self.request)) is not None:
                    response = upstream.respond(octets, udp=False)
                    if response is not None:
                        send_message(self.request, response)

        for server in (_Udp(("127.0.0.1", self.port), OnDatagram),
                       _Tcp(("127.0.0.1", self.port), OnConnection)):
            self._servers.append(server)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """Nobody is there any more; `start` brings it back on the same port."""
        while self._servers:
            server = self._servers.pop()
            server.shutdown()
            server.server_close()

    def respond(self, octets, udp):
        query = dns.message.from_wire(octets)
        asked = query.question[0]
        if asked.name == dns.name.root:
            return answer(query, 60, PROBE_TYPE, "ns.root.test.").to_wire()
        self.questions.append(f"{asked.name} {dns.rdatatype.to_text(asked.rdtype)}")
        response = self.handler(query)
        if response is None:
            return None
        wire = response.to_wire(max_size=65535)
        if udp and len(wire) > max(512, query.payload):
            response = dns.message.make_response(query, recursion_available=True)
            response.flags |= dns.flags.TC
            wire = response.to_wire()
        return wire


class Relay:
    """Passes datagrams on to a port and the answers back: a way that hides where it leads to."""

    def __init__(self, port):
        self._to = ("127.0.0.1", port)
        self.port = free_port()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def __enter__(self):
        to = self._to

        class OnDatagram(socketserver.BaseRequestHandler):
            def handle(self):
                octets, own = self.request
                with socket.socket(type=socket.SOCK_DGRAM) as onward:
                    onward.settimeout(6)
                    onward.sendto(octets, to)
                    try:
                        own.sendto(onward.recv(65535), self.client_address)
                    except OSError:
                        pass  # no answer, or nobody waits for it any more

        self._server = _Udp(("127.0.0.1", self.port), OnDatagram)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
