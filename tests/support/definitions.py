"""Small services for tests, made from the stand-in images or from busybox."""
import json

from mcp_node import REGISTRY

STANDIN = f"{REGISTRY}/mcq:v0.4.2"
BUSYBOX = "localhost/bb:1"


def web(name, value="v1", port=21000, listen="http=0.0.0.0:8080", deadline="5s", extra=""):
    """A service with one published port and an http gate; `value` tells two versions apart."""
    return f"""name = "{name}"
version = "{value}"

[[components]]
image = "{STANDIN}"
ports = ["127.0.0.1:{port}:8080"]
env = {{ VALUE = "{value}", STANDIN_LISTEN = "{listen}", STANDIN_FAIL_FILE = "/srv/{name}/broken" }}
stop_timeout = "1s"
{extra}
[components.health]
type = "http"
interval = "100ms"
deadline = "{deadline}"
"""


def shell(name, script, restart="unless-stopped", network="none"):
    """A service that runs a busybox script; its data directory is /srv/<name>."""
    return f"""name = "{name}"
version = "v1"

[[components]]
image = "{BUSYBOX}"
network = "{network}"
restart = "{restart}"
stop_timeout = "0s"
cmd = ["sh", "-c", {json.dumps(script)}]

[components.health]
type = "exec"
cmd = ["true"]
interval = "100ms"
"""
