"""Row 8: a file of MC_BENCH_FILE_MIB (default 1024) pushed over TLS on loopback, beside scp."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import time

SIZE_MIB = int(os.environ.get("MC_BENCH_FILE_MIB", "1024"))
GRPC = "127.0.1.1:9444"
SSH_PORT = 2222
TARGET = 1 / 0.6  # throughput of at least 0.6 of scp's, as a ratio of times

DEFINITION = """name = "box"
version = "v1"
[[components]]
image = "localhost/bb:1"
network = "none"
"""


class Files:
    """The agent with a certificate, an sshd, and the file. Everything is below the store's folder."""

    def __init__(self, node):
        self.node = node
        self.base = node.store.base / "files"
        self.base.mkdir()
        os.chmod(self.base, 0o755)
        self.source = self.base / "large"
        block = os.urandom(1 << 20)
        with open(self.source, "wb") as out:
            for _ in range(SIZE_MIB):
                out.write(block)
        node.use("files")
        (node.definitions / "box.toml").write_text(DEFINITION)
        self.box = node.data / "box"
        self.box.mkdir(exist_ok=True)
        shutil.chown(self.box, int(node.user), int(node.store.run("id", "-g").stdout))
        self._certify()
        self._make_keys()

    def _certify(self):
        self._quiet("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=bench",
                    "-addext", "subjectAltName=DNS:bench,IP:127.0.1.1", "-keyout",
                    self.base / "tls.key", "-out", self.base / "tls.pem")
        for name in ("tls.key", "tls.pem"):
            shutil.chown(self.base / name, int(self.node.user))
        config = self.node.state / "mcp-agent.toml"
        config.write_text(f"""{config.read_text()}
[server]
tls_cert = "{self.base}/tls.pem"
tls_key = "{self.base}/tls.key"
grpc_addr = "{GRPC}"
rest_addr = "127.0.1.1:9445"
[auth]
tokens = "{self.node.state}/tokens"
""")
        (self.base / "mcp.toml").write_text(f"""[mcp]
default_node = "bench"
token_file = "{self.base}/token"
[[nodes]]
name = "bench"
addresses = ["{GRPC}"]
ca_cert = "{self.base}/tls.pem"
""")

    def _make_keys(self):
        for name in ("host_key", "user_key"):
            self._quiet("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.base / name)
        public = (self.base / "host_key.pub").read_text()
        (self.base / "known_hosts").write_text(f"[127.0.0.1]:{SSH_PORT} {public}")
        (self.base / "sshd_config").write_text(f"""HostKey {self.base}/host_key
AuthorizedKeysFile {self.base}/user_key.pub
ListenAddress 127.0.0.1:{SSH_PORT}
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
PidFile none
LogLevel ERROR
Subsystem sftp internal-sftp
""")

    @staticmethod
    def _quiet(*argv):
        subprocess.run(list(map(str, argv)), check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def in_netns(self, *argv):
        return [*self.node.store.in_netns(), *map(str, argv)]

    @contextlib.contextmanager
    def sshd(self):
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)  # what root's sshd wants to be there
        server = subprocess.Popen(self.in_netns("/usr/sbin/sshd", "-D", "-f",
                                                self.base / "sshd_config"))
        try:
            deadline = time.monotonic() + 30
            while subprocess.run(self.in_netns("ssh-keyscan", "-p", SSH_PORT, "127.0.0.1"),
                                 check=False, capture_output=True).stdout == b"":
                if time.monotonic() > deadline:
                    raise RuntimeError("sshd does not answer")
                time.sleep(0.1)
            yield
        finally:
            server.terminate()
            server.wait(timeout=30)

    def timed(self, *argv):
        """Seconds of the command; what it has put is looked at and removed."""
        begun = time.monotonic()
        done = subprocess.run(self.in_netns(*argv), check=False, capture_output=True, text=True,
                              timeout=600)
        seconds = time.monotonic() - begun
        there = self.box / "large"
        if done.returncode != 0 or there.stat().st_size != self.source.stat().st_size:
            raise RuntimeError(f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}")
        there.unlink()
        return seconds

    def push(self, *route):
        return self.timed(self.node.bin / "mcp", *route, "--quiet", "push", "box", self.source)

    def over_tls(self):
        return self.push("--config", self.base / "mcp.toml", "--node", "bench")

    def over_socket(self):
        return self.push("--socket", self.node.state / "admin.sock")

    def scp(self):
        return self.timed("scp", "-q", "-B", "-P", SSH_PORT, "-i", self.base / "user_key", "-o",
                          f"UserKnownHostsFile={self.base}/known_hosts", self.source,
                          f"root@127.0.0.1:{self.box}/large")

    def make_token(self):
        token = self.base / "token"
        token.write_text(self.node.mcp("token", "add", "bench", "--role", "operate"))
        token.chmod(0o600)


def row_8(node, results, rounds_of, rounds):
    files = Files(node)
    with node.agent(), files.sshd():
        node.mcp("sync", "--init")
        files.make_token()
        values = rounds_of({"tls": files.over_tls, "socket": files.over_socket,
                            "scp": files.scp}, rounds)
    results.add("8", f"push of {SIZE_MIB} MiB over TLS / scp", values["tls"], values["scp"], TARGET)
    results.add("8", f"push of {SIZE_MIB} MiB over the local socket / scp", values["socket"],
                values["scp"])
    results.note("a push ends when the file is on the disk and hashed at both ends; scp syncs and "
                 "checks nothing")
