"""Upstreams over TLS and HTTPS, names in random case, and a configuration that is read again."""
import contextlib
import shutil
import signal
import socket
import subprocess
import time

import dns.flags
import dns.rcode
import mcns_server
import pytest
from dns_upstream import DnsUpstream, answer
from mcns_server import McnsServer, eventually, texts
from name_servers import free_port

ZONES = {"example.test": "$TTL 300\n@ SOA ns1 admin 0 3600 600 604800 300\n NS ns1\n"
                         "ns1 A 192.0.2.1\nwww A 192.0.2.10\n"}
GOOD = "198.51.100.80"
OTHER = "198.51.100.81"
NAME = "dns.upstream.test"
ALL_READ = "has read its configuration again"
REFUSED = "keeps its configuration: the new one is wrong"


@pytest.fixture
def make(tmp_path):
    """Starts servers, and ends them."""
    reason = mcns_server.unavailable()
    if reason:
        pytest.skip(reason)
    with contextlib.ExitStack() as stack:
        def start(**tables):
            return stack.enter_context(McnsServer(tmp_path / "server", zones=ZONES, **tables))
        yield start


def answering(address, ttl=60):
    return DnsUpstream(lambda query: answer(query, ttl, "A", address))


def reload(server, says=ALL_READ):
    """SIGHUP; returns what the log says from then on."""
    before = len(server.log_text())
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: says in server.log_text()[before:], says)
    return server.log_text()[before:]


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


class Private:
    """A resolver that is asked over TLS only, by a name, with an authority of its own."""

    program = ""
    scheme = "tls"
    path = ""

    def __init__(self, folder):
        self.port = free_port()
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.pair = pair = folder / "server"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=Test CA", "-days", 2, "-keyout", folder / "ca.key", "-out", self.ca)
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=server", "-keyout", f"{pair}.key", "-out", f"{pair}.csr")
        (folder / "names").write_text(f"subjectAltName=DNS:{NAME}\n")
        openssl("x509", "-req", "-in", f"{pair}.csr", "-CA", self.ca, "-CAkey", folder / "ca.key",
                "-CAcreateserial", "-days", 2, "-extfile", folder / "names", "-out", f"{pair}.pem")

    def argv(self):
        """The command; configuration is written by then."""
        raise NotImplementedError

    def upstream(self, name=NAME):
        return f"{self.scheme}://127.0.0.1:{self.port}{self.path}#{name}"

    def __enter__(self):
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self.argv()],
                                            cwd=self.folder, stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(60)


class UnboundOverTls(Private):
    program = "unbound"
    transport_options = "tls-port: {}"
    more = ""

    def argv(self):
        (self.folder / "unbound.conf").write_text(f"""server:
  interface: 127.0.0.1@{self.port}
  {self.transport_options.format(self.port)}
  tls-service-key: "{self.pair}.key"
  tls-service-pem: "{self.pair}.pem"
  username: ""
  chroot: ""
  directory: "{self.folder}"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  access-control: 127.0.0.0/8 allow
  module-config: "iterator"
  local-zone: "elsewhere.net." static
  local-data: "www.elsewhere.net. 60 A {GOOD}"
  do-not-query-localhost: no
remote-control:
  control-enable: no
{self.more}""")
        return ["unbound", "-d", "-c", self.folder / "unbound.conf"]


class UnboundOverHttps(UnboundOverTls):
    scheme = "https"
    path = "/dns-query"
    transport_options = "https-port: {}"


class UnboundWithoutRoot(UnboundOverTls):
    """Knows its own names, and cannot reach anybody who knows others."""

    def argv(self):
        self.nobody = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.nobody.bind(("127.0.0.1", 0))
        port = self.nobody.getsockname()[1]
        self.more = f'forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@{port}\n'
        return super().argv()

    def __exit__(self, *_):
        super().__exit__()
        self.nobody.close()


class BindOverHttps(Private):
    program = "named"
    scheme = "https"
    path = "/names/of/mine"

    def argv(self):
        (self.folder / "zone").write_text(
            f"$TTL 60\n@ SOA ns admin 1 3600 600 604800 60\n NS ns\nns A {GOOD}\nwww A {GOOD}\n"
            f"big TXT {' '.join('x' * 250 for _ in range(40))}\n")
        (self.folder / "named.conf").write_text(f"""
tls mine {{ cert-file "{self.pair}.pem"; key-file "{self.pair}.key"; }};
http mine {{ endpoints {{ "{self.path}"; }}; }};
options {{
  directory "{self.folder}";
  listen-on port {self.port} tls mine http mine {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile "{self.folder}/session.key";
  managed-keys-directory "{self.folder}";
  recursion no;
  dnssec-validation no;
}};
controls {{ }};
zone "elsewhere.net" {{ type primary; file "zone"; }};
""")
        return ["named", "-g", "-c", self.folder / "named.conf"]


@pytest.fixture
def started(tmp_path):
    """Starts one of these, and ends it."""
    with contextlib.ExitStack() as stack:
        def start(kind):
            if shutil.which(kind.program) is None or shutil.which("openssl") is None:
                pytest.skip(f"{kind.program} or openssl missing (packages unbound, bind9, openssl)")
            folder = tmp_path / kind.__name__
            folder.mkdir()
            return stack.enter_context(kind(folder))
        yield start


@pytest.fixture
def unbound(started):
    return started(UnboundOverTls)


def resolves(server, name="www.elsewhere.net"):
    return texts(server.ask(name, "A"), "A") == [GOOD]


def test_unbound_is_asked_over_tls(make, unbound):
    server = make(dns={"upstreams": [unbound.upstream()], "ca_cert": str(unbound.ca)})
    eventually(lambda: resolves(server), "an answer over TLS")

    assert server.ask("gone.elsewhere.net", "A").rcode() == dns.rcode.NXDOMAIN
    status = server.cli_json("status")
    assert status["upstreams"][0]["upstream"] == unbound.upstream()
    assert status["upstreams"][0]["state"] == "up"
    assert unbound.upstream() in server.cli("forward", "list").stdout
    explained = server.cli("explain", "new.elsewhere.net", "A").stdout
    assert f"{unbound.upstream()} after" in explained
    # Most of a kind on one connection, each of which has to be answered.
    asked = server.dig(*[word for i in range(100) for word in (f"n{i}.elsewhere.net", "A")])
    assert asked.count("status: NXDOMAIN") == 100


def test_a_resolver_without_a_way_to_the_root_is_found_by_questions(make, started):
    unbound = started(UnboundWithoutRoot)
    server = make(dns={"upstreams": [unbound.upstream()], "ca_cert": str(unbound.ca)})

    def state():
        return server.cli_json("status", code=None)["upstreams"][0]["state"]
    eventually(lambda: state() == "down", "no probe is answered")
    eventually(lambda: resolves(server), "what clients ask is")

    # From now on that is what it is probed with.
    until = time.monotonic() + 8
    while time.monotonic() < until:
        assert state() == "up"
        time.sleep(0.2)


@pytest.mark.parametrize("kind", [UnboundOverHttps, BindOverHttps])
def test_others_are_asked_over_https(make, started, kind):
    upstream = started(kind)
    server = make(dns={"upstreams": [upstream.upstream()], "ca_cert": str(upstream.ca)})
    eventually(lambda: resolves(server), "an answer over HTTPS")

    assert server.ask("gone.elsewhere.net", "A").rcode() == dns.rcode.NXDOMAIN
    status = server.cli_json("status")
    assert status["upstreams"][0]["upstream"] == upstream.upstream()
    assert status["upstreams"][0]["state"] == "up"
    explained = server.cli("explain", "new.elsewhere.net", "A").stdout
    assert f"{upstream.upstream()} after" in explained
    # Streams of one connection, most of them at once.
    asked = server.dig(*[word for i in range(100) for word in (f"n{i}.elsewhere.net", "A")])
    assert asked.count("status: NXDOMAIN") == 100
    if kind is BindOverHttps:
        assert server.dig("big.elsewhere.net", "TXT", "+tcp").count("x" * 250) == 40

    # It goes and comes back: other connections, and what was told is still there.
    upstream.__exit__()
    assert resolves(server)
    upstream.__enter__()
    eventually(lambda: server.ask("ns.elsewhere.net", "A").rcode() !=
               dns.rcode.SERVFAIL, "it is back")


def test_a_path_that_nobody_serves_is_told(make, started):
    upstream = started(UnboundOverHttps)
    wrong = upstream.upstream().replace("/dns-query", "/wrong")
    server = make(dns={"upstreams": [wrong], "ca_cert": str(upstream.ca)})
    eventually(lambda: "HTTP 404" in server.cli("status", code=None).stdout, "the status says why")
    assert server.ask("www.elsewhere.net", "A").rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize("kind", [UnboundOverTls, UnboundOverHttps])
def test_a_certificate_for_another_name_is_not_believed(make, started, kind):
    unbound = started(kind)
    server = make(dns={"upstreams": [unbound.upstream("other.test")],
                       "ca_cert": str(unbound.ca)})
    assert server.ask("www.elsewhere.net", "A").rcode() == dns.rcode.SERVFAIL
    shown = eventually(lambda: "certificate is not trusted" in
                       (out := server.cli("status", code=None).stdout) and out,
                       "the status says why")
    assert "ostname mismatch" in shown

    # The way out, without a restart.
    server.cli("forward", "set", ".", unbound.upstream())
    eventually(lambda: resolves(server), "the right name is believed")


def test_the_system_does_not_know_a_private_authority(make, unbound):
    server = make(dns={"upstreams": [unbound.upstream()]})
    assert server.ask("www.elsewhere.net", "A").rcode() == dns.rcode.SERVFAIL

    server.write_config(dns={"ca_cert": str(unbound.ca)})
    reload(server)
    eventually(lambda: resolves(server), "its authority is known")

    server.write_config(dns={"ca_cert": str(server.folder / "missing.pem")})
    assert "missing.pem" in reload(server, REFUSED)
    assert resolves(server)


def test_a_forward_of_the_api_has_an_authority_and_a_case_of_its_own(make, unbound):
    server = make(dns={"upstreams": []})
    server.cli("forward", "set", "elsewhere.net", unbound.upstream())
    assert server.ask("www.elsewhere.net", "A").rcode() == dns.rcode.SERVFAIL
    server.cli("forward", "set", "elsewhere.net", unbound.upstream(), "--upstream-ca",
               unbound.ca)
    eventually(lambda: resolves(server), "its authority is known")
    (shown,) = server.cli_json("forward", "list")["forwards"]
    assert shown["ca_cert"] == str(unbound.ca) and not shown["random_case"]
    shown = server.cli("forward", "list").stdout
    assert str(unbound.ca) in shown and " off " in shown
    server.stop()
    server.start()
    eventually(lambda: resolves(server), "and is kept")

    with answering(GOOD) as upstream:
        shown = server.cli("forward", "set", "case.test", upstream.address, "--random-case", "on")
        assert " on " in shown.stdout
        names = [f"a-name-with-letters-{i}.case.test" for i in range(5)]
        assert all(texts(server.ask(name, "A"), "A") == [GOOD] for name in names)
        assert not set(upstream.questions) & {f"{each}. A" for each in names}
        server.cli("forward", "set", "case.test", upstream.address, "--random-case", "off")
        assert texts(server.ask("other.case.test", "A"), "A") == [GOOD]
        assert "other.case.test. A" in upstream.questions


def test_names_go_out_in_random_case_and_come_back_as_they_were(make):
    with answering(GOOD) as upstream:
        server = make(dns={"upstreams": [upstream.address], "random_case": True})
        names = [f"a-name-with-letters-{i}.elsewhere.net" for i in range(5)]
        for name in names:
            response = server.ask(name, "A")
            assert texts(response, "A") == [GOOD]
            assert response.question[0].name.to_text() == name + "."
            assert response.answer[0].name.to_text() == name + "."
        assert [each.lower() for each in upstream.questions] == [f"{each}. a" for each in names]
        assert not set(upstream.questions) & {f"{each}. A" for each in names}
        assert int(server.cli_json("status")["upstreams"][0].get("other_case", 0)) == 0


def test_what_can_change_changes_at_once(make):
    with answering(GOOD, ttl=600) as first, answering(OTHER, ttl=600) as second:
        server = make(dns={"upstreams": [first.address]})
        assert texts(server.ask("www.elsewhere.net", "A"), "A") == [GOOD]

        server.write_config(dns={"upstreams": [second.address]}, cache={"max_ttl": "17s"})
        said = reload(server)
        assert "dns.upstreams" in said and "cache.max_ttl" in said
        response = server.ask("www.elsewhere.net", "A")
        assert texts(response, "A") == [OTHER]  # what the first has said is forgotten
        assert response.answer[0].ttl == 17

        server.write_config(dns={"allow_recursion": ["none"], "identity": "me"})
        reload(server)
        assert server.ask("www.elsewhere.net", "A").rcode() == dns.rcode.REFUSED
        assert '"me"' in server.dig("CH", "TXT", "id.server")
        assert server.ask("www.example.test", "A").rcode() == dns.rcode.NOERROR

        server.write_config(dns={"allow_recursion": ["any"]})
        with open(server.config, "a", encoding="utf-8") as config:
            config.write(f'[[forward]]\nzone = "corp.test"\nupstreams = ["{first.address}"]\n')
        reload(server)
        assert texts(server.ask("a.corp.test", "A"), "A") == [GOOD]
        assert texts(server.ask("a.elsewhere.net", "A"), "A") == [OTHER]


def test_a_wrong_file_changes_nothing_and_its_place_is_in_the_log(make):
    with answering(GOOD) as upstream:
        server = make(dns={"upstreams": [upstream.address]})
        server.write_config(dns={"allow_recursion": ["none"], "upstreams": ["dns.example.org"]})
        line = 1 + next(i for i, text in enumerate(server.config.read_text().splitlines())
                        if text.startswith("upstreams"))
        said = reload(server, REFUSED)
        assert f"mcns.toml:{line}:13" in said and "dns.example.org" in said

        # An upstream that is this server is found only when it is to be used.
        own = f"127.0.0.1:{server.port}"
        server.write_config(dns={"allow_recursion": ["none"], "upstreams": [own]})
        said = reload(server, REFUSED)
        assert "this server itself" in said and f"mcns.toml:{line}:13" in said
        assert texts(server.ask("www.elsewhere.net", "A"), "A") == [GOOD]


def test_all_that_is_wrong_with_upstreams_is_told_with_its_place(make):
    with answering(GOOD) as upstream:
        server = make(dns={"upstreams": [upstream.address]})
        good = server.config.read_text()
        own = f"127.0.0.1:{server.port}"
        groups = [f'[[forward]]\nzone = "corp.test"\nupstreams = ["{each}"]\n'
                  for each in (upstream.address, own)]
        groups.append('[[forward]]\nzone = "lab.test"\nupstreams = ["tls://192.0.2.1"]\n'
                      'ca_cert = "/nowhere/lab.pem"\n')
        server.config.write_text("".join(groups) + good)
        wrong = ("mcns.toml:5:8: the zone corp.test. has a group already",
                 "mcns.toml:6:13: forward group corp.test.", "this server itself",
                 "mcns.toml:10:11: the authorities of", "/nowhere/lab.pem")

        said = reload(server, REFUSED)
        checked = server.cli("check-config", "--config", server.config, code=2).stderr
        server.stop()
        with pytest.raises(AssertionError) as ended:
            server.start()

        for each in wrong:
            assert each in said and each in checked and each in str(ended.value), each


def test_check_config_reads_what_the_file_names(make, tmp_path):
    server = make()
    server.stop()

    def check(code=2, **tables):
        server.write_config(**tables)
        return server.cli("check-config", "--config", server.config, code=code)

    missing, broken = tmp_path / "missing.pem", tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for ca_cert in (missing, broken):
        wrong = check(dns={"upstreams": ["tls://192.0.2.1#dns.test"], "ca_cert": str(ca_cert)})
        assert str(ca_cert) in wrong.stderr and "tls://192.0.2.1" in wrong.stderr
    assert check(code=0, dns={"upstreams": ["192.0.2.1"], "ca_cert": str(missing)})  # needs none

    for listen, upstream in ((["127.0.0.1:5300"], "127.0.0.1:5300"), (":5300", "127.0.0.1:5300"),
                             (["127.0.0.2:5300", "[::1]:5300"], "tcp://[::1]:5300")):
        own = check(dns={"listen_addr": listen, "upstreams": [upstream]})
        assert "this server itself" in own.stderr
    check(code=0, dns={"listen_addr": ":5300", "upstreams": ["127.0.0.1:5301"]})


def test_keys_that_cannot_change_are_checked_at_a_reload(make, tmp_path):
    with answering(GOOD) as upstream:
        server = make(dns={"upstreams": [upstream.address]})
        good = server.config.read_text()
        # Networks keep their values while it runs; a start would refuse these.
        server.write_config(dns={"allow_recursion": ["none"]})
        with open(server.config, "a", encoding="utf-8") as config:
            config.write('[[network]]\nname = "lan"\ncidrs = ["lan"]\n')
        line = server.config.read_text().splitlines().index("[[network]]") + 1
        said = reload(server, REFUSED)
        assert f"mcns.toml:{line}:" in said and "network.cidrs" in said
        assert texts(server.ask("www.elsewhere.net", "A"), "A") == [GOOD]

        server.config.write_text(good)
        server.write_config(dns={"allow_recursion": ["none"], "order": "network"})
        assert "no [[network]] is declared" in reload(server, REFUSED)
        server.write_config(dns={"allow_recursion": ["none"], "order": "rotate",
                                 "upstreams": ["tls://192.0.2.1"],
                                 "ca_cert": str(tmp_path / "missing.pem")})
        assert "missing.pem" in reload(server, REFUSED)
        assert texts(server.ask("www.elsewhere.net", "A"), "A") == [GOOD]


def test_a_key_that_cannot_change_is_named(make):
    with answering(GOOD) as upstream:
        server = make(dns={"upstreams": [upstream.address], "workers": 1})
        server.write_config(dns={"workers": 2})
        server.process.send_signal(signal.SIGHUP)
        line = eventually(lambda: next((each for each in server.log_text().splitlines()
                                        if "dns.workers" in each), None), "the key is named")
        assert "running=1" in line.replace('"', "") and "file=2" in line.replace('"', "")
        assert "a restart" in line  # an heir has the sockets of the process before
