"""The real binary, asked by other people's clients."""

import json
import os
import signal
import socket
import ssl
import subprocess
import time

import grpc
import pytest

from conftest import BINARY


def run(*argv, **options):
    return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False, **options)


def dig(standin, *arguments):
    host, port = standin.address("dns")
    return run("dig", f"@{host}", "-p", str(port), "+tries=1", "+time=2", *arguments).stdout


def curl(url, *arguments):
    return run("curl", "-sk", "--max-time", "5", "-w", "%{http_code} %{http_version}", *arguments, url)


# A client that believes no certificate is not among Python's gRPC: hand it the server's own.
def grpc_check(standin, method="/grpc.health.v1.Health/Check", request=b""):
    host, port = standin.address("grpc")
    certificate = ssl.get_server_certificate((host, port)).encode()
    with grpc.secure_channel(
        f"{host}:{port}",
        grpc.ssl_channel_credentials(certificate),
        options=[("grpc.ssl_target_name_override", "localhost")],
    ) as channel:
        return channel.unary_unary(method)(request, timeout=5)


def test_help_and_version_say_that_it_is_a_stand_in():
    for argument in ("--help", "--version"):
        out = run(BINARY, argument)
        assert out.returncode == 0
        assert "stand" in out.stdout and out.stdout.startswith("mc-standin")


def test_wrong_settings_end_with_a_hint_before_any_port_is_open():
    out = run(BINARY, env={"STANDIN_SERVICE": "mcns", "STANDIN_LISTEN": "dns=here:53"})

    assert out.returncode == 2
    assert out.stderr.startswith('error: STANDIN_LISTEN: want an IP address in "dns=here:53"\nhint: ')


def test_taken_port_is_named():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        listen = f"https=127.0.0.1:{holder.getsockname()[1]}"
        out = run(BINARY, env={"STANDIN_SERVICE": "mcns", "STANDIN_LISTEN": listen})

    assert out.returncode == 1
    assert f"cannot listen on {listen}: Address already in use" in out.stderr


def test_it_says_on_standard_error_what_it_is(start):
    standin = start("tcp=127.0.0.1:0")
    standin.process.terminate()

    _, errors = standin.process.communicate(timeout=5)

    assert errors.startswith(
        "this is a stand-in for mcns: it answers health gates and nothing else\ntcp=127.0.0.1:"
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_at_once_with_open_connections(start, number):
    standin = start("tcp=127.0.0.1:0 https=127.0.0.1:0")
    with socket.create_connection(standin.address("tcp")), socket.create_connection(
        standin.address("https")
    ):
        begin = time.monotonic()
        standin.process.send_signal(number)
        assert standin.process.wait(timeout=5) == 0
    assert time.monotonic() - begin < 1


def test_dig_gets_records_by_udp_and_tcp(start):
    standin = start("dns=127.0.0.1:0")

    for transport in ("+notcp", "+tcp"):
        out = dig(standin, transport, "mcr.svc.mcp.metacircular.net", "A")
        assert "status: NOERROR" in out and "flags: qr aa rd;" in out
        assert "192.168.88.181" in out and "100.95.252.120" in out
        assert "WARNING: recursion requested but not available" in out
        assert "EDNS: version: 0, flags:; udp: 1232" in out
        assert "malformed" not in out and ";; Warning" not in out


def test_dig_gets_soa_ns_nxdomain_nodata_and_refused(start):
    standin = start("dns=127.0.0.1:0")

    soa = dig(standin, "+short", "svc.mcp.metacircular.net", "SOA")
    name_server = dig(standin, "+short", "mcp.metacircular.net", "NS")
    unknown = dig(standin, "no.mcp.metacircular.net")
    no_data = dig(standin, "rift.mcp.metacircular.net", "AAAA")
    outside = dig(standin, "google.com")

    assert soa.split()[:3] == [
        "ns.mcp.metacircular.net.", "hostmaster.mcp.metacircular.net.", "1",
    ]
    assert name_server == "ns.mcp.metacircular.net.\n"
    assert "status: NXDOMAIN" in unknown and "SOA\tns.mcp.metacircular.net." in unknown
    assert "status: NOERROR" in no_data and "ANSWER: 0, AUTHORITY: 1" in no_data
    assert "status: REFUSED" in outside


def test_garbage_datagrams_do_not_disturb_it(start):
    standin = start("dns=127.0.0.1:0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for size in (0, 1, 11, 12, 100, 4095, 9000):
            client.sendto(os.urandom(size), standin.address("dns"))

    assert dig(standin, "+short", "rift.mcp.metacircular.net").split() == [
        "192.168.88.181", "100.95.252.120",
    ]


@pytest.mark.parametrize("kind,version", [("http", "--http1.1"), ("https", "--http1.1"), ("https", "--http2")])
def test_curl_gets_health_registry_and_404(start, kind, version):
    standin = start("http=127.0.0.1:0 https=127.0.0.1:0")
    proto = "2" if version == "--http2" else "1.1"

    health, _, status = curl(standin.url(kind, "/v1/health"), version).stdout.rpartition("\n")

    assert status == f"200 {proto}"
    assert json.loads(health) == {"status": "ok", "service": "mcns", "standin": True}
    assert curl(standin.url(kind, "/v2/"), version).stdout == f"{{}}\n200 {proto}"
    assert curl(standin.url(kind, "/"), version).stdout.startswith("This is a stand-in for mcns")
    assert curl(standin.url(kind, "/v1/zones"), version).stdout.endswith(f"404 {proto}")
    assert curl(standin.url(kind, "/v1/health"), version, "-I").stdout.count("200") >= 1
    assert curl(standin.url(kind, "/x"), version, "-d", "a=b").stdout.endswith(f"405 {proto}")


def test_many_requests_over_one_connection(start):
    standin = start("https=127.0.0.1:0")

    out = run("h2load", "-n2000", "-c20", "-m10", standin.url("https", "/v1/health"))

    assert "2000 succeeded, 0 failed" in out.stdout, out.stdout + out.stderr


def test_older_tls_than_1_3_is_refused(start):
    standin = start("https=127.0.0.1:0")
    host, port = standin.address("https")
    old = ssl.create_default_context()
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_2

    with socket.create_connection((host, port)) as raw, pytest.raises(ssl.SSLError):
        old.wrap_socket(raw)


def test_openssl_verifies_the_name_in_the_certificate(start, tmp_path):
    standin = start("https=127.0.0.1:0")
    host, port = standin.address("https")
    pem = tmp_path / "standin.pem"
    pem.write_text(ssl.get_server_certificate((host, port)), encoding="ascii")

    out = run(
        "openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile", pem,
        "-verify_hostname", "mcns.svc.mcp.metacircular.net", input="",
    )

    assert "Verification: OK" in out.stdout
    assert "New, TLSv1.3" in out.stdout


def test_grpc_client_gets_serving(start):
    standin = start("grpc=127.0.0.1:0")

    assert grpc_check(standin) == b"\x08\x01"
    assert grpc_check(standin, request=b"\x0a\x07mcns.v1") == b"\x08\x01"


def test_grpc_client_gets_unimplemented_for_everything_else(start):
    standin = start("grpc=127.0.0.1:0")

    with pytest.raises(grpc.RpcError) as error:
        grpc_check(standin, "/mcns.v1.Zones/List")

    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "stand-in" in error.value.details()


def test_tcp_stays_open(start):
    standin = start("tcp=127.0.0.1:0")
    with socket.create_connection(standin.address("tcp")) as client:
        client.sendall(b"anything")
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_port_speaks_http_and_https(start):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
    start("", PORT=str(port))

    assert curl(f"http://127.0.0.1:{port}/v1/health").stdout.endswith("200 1.1")
    assert curl(f"https://127.0.0.1:{port}/v1/health").stdout.endswith("200 2")


def test_while_the_fail_file_exists_every_answer_is_a_failure(start):
    standin = start(" ".join(f"{k}=127.0.0.1:0" for k in ("dns", "https", "grpc", "http", "tcp", "auto")))

    standin.fail_file.touch()

    for transport in ("+notcp", "+tcp"):
        assert "status: SERVFAIL" in dig(standin, transport, "mcp.metacircular.net", "SOA")
    for kind in ("http", "https"):
        assert curl(standin.url(kind, "/v1/health")).stdout.split()[-2] == "503"
    assert grpc_check(standin) == b"\x08\x02"
    for kind in ("tcp", "auto"):
        with socket.create_connection(standin.address(kind)) as client:
            client.settimeout(2)
            assert client.recv(1) == b""

    standin.fail_file.unlink()

    assert "status: NOERROR" in dig(standin, "mcp.metacircular.net", "SOA")
    assert curl(standin.url("https", "/v1/health")).stdout.endswith("200 2")
    assert grpc_check(standin) == b"\x08\x01"


def test_beyond_256_connections_the_oldest_is_dropped(start):
    standin = start("tcp=127.0.0.1:0")
    clients = [socket.create_connection(standin.address("tcp")) for _ in range(257)]
    try:
        clients[0].settimeout(5)
        assert clients[0].recv(1) == b""
        clients[-1].settimeout(0.3)
        with pytest.raises(TimeoutError):
            clients[-1].recv(1)
    finally:
        for client in clients:
            client.close()
