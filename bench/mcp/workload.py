"""What is brought back: the same containers as definitions, as `podman run` lines, as a compose
file."""
import dataclasses
import json

# It ends at once when asked, so that no time is a wait for a deaf process.
COMMAND = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"]
IMAGE = "localhost/bb:1"
PORT_FIRST = 20000


@dataclasses.dataclass(frozen=True)
class Workload:
    """`count` services of one container, without gate: on mcpnet each with a published port, or
    without network."""
    name: str
    count: int
    network: str

    @property
    def bridged(self):
        return self.network not in ("none", "host")

    def containers(self):
        return [f"{self.name}{i:02}" for i in range(self.count)]

    def port(self, number):
        return f"127.0.0.1:{PORT_FIRST + number}:8080"

    def write_definitions(self, folder):
        for i, name in enumerate(self.containers()):
            (folder / f"{name}.toml").write_text("\n".join([
                f'name = "{name}"', "[[components]]", f'image = "{IMAGE}"',
                "default_volume = false", f'network = "{self.network}"',
                f"ports = {json.dumps([self.port(i)] if self.bridged else [])}",
                f"cmd = {json.dumps(COMMAND)}",
                "[components.health]", 'type = "none"', 'start_period = "0s"', ""]))

    def run_lines(self):
        """One argument list for each container: what `mcp render` says, in podman's words."""
        lines = []
        for i, name in enumerate(self.containers()):
            line = ["podman", "run", "-d", "--name", name, "--network", self.network, "--user",
                    "0:0", "--restart", "unless-stopped", "--security-opt", "no-new-privileges"]
            if self.bridged:
                line += ["--network-alias", name, "-p", self.port(i)]
            lines.append([*line, IMAGE, *COMMAND])
        return lines

    def compose(self):
        """The text of docker-compose.yml (JSON is YAML)."""
        services = {}
        for i, name in enumerate(self.containers()):
            services[name] = {"image": IMAGE, "container_name": name, "user": "0:0",
                              "restart": "unless-stopped", "command": COMMAND,
                              "security_opt": ["no-new-privileges"], "ports": [self.port(i)],
                              "networks": [self.network]}
        return json.dumps({"version": "3.5", "services": services,
                           "networks": {self.network: {"external": {"name": self.network}}}})
