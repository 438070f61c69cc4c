"""Backups of a node for tests: a target, an identity, and the commands of an operator.

    backups = Backups(node)          # writes [backup] into the node's configuration
    point = backups.create()["id"]
    backups.run("restore", "latest", "--service", "web", "--in-place")
"""
import json


class Backups:
    """`node` is an McpNode whose agent does not run yet."""

    def __init__(self, node, settings=""):
        self.node = node
        self.vault = node.make_folder(node.base / "vault", 0o700)
        keys = node.make_folder(node.base / "keys", 0o700)
        self.identity = keys / "identity.txt"
        self.signer = node.state / "recovery/backup.pub"
        with open(node.config, "a", encoding="utf-8") as config:
            config.write(f'\n[backup]\ntargets = ["file://{self.vault}"]\n{settings}\n')
        self.command("key", "create", "--out", self.identity)

    def command(self, *argv, code=0):
        """mcp-agent backup ...; `code` is the exit code that it must have (None: any)."""
        done = self.node.store.run(self.node.base / "mcp-agent", "--config", self.node.config,
                                   "backup", *argv, check=False)
        assert code is None or done.returncode == code, (
            f"backup {argv}: exit {done.returncode}, want {code}\n{done.stdout}{done.stderr}")
        return done

    def create(self, *argv, code=0):
        """A point; returns what the command says of it."""
        return json.loads(self.command("--json", "create", *argv, code=code).stdout)

    def open(self, verb, *argv, code=0):
        """verify, show or restore, with the key that opens the points."""
        return self.command(verb, *argv, "--identity", self.identity, code=code)

    def archive(self, point):
        return self.vault / f"{point}.tar.zst.age"
