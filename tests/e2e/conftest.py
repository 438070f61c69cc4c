"""Fixtures of all end-to-end suites."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcp_node  # noqa: E402
import podman_store as podman  # noqa: E402


def _store(netns):
    reason = podman.unavailable(netns)
    if reason:
        pytest.skip(reason)
    with podman.PodmanStore(netns) as store:
        store.import_busybox()
        yield store


@pytest.fixture(scope="module")
def podman_store():
    """A rootless podman of the module's own with the image bb:1."""
    yield from _store(netns=False)


@pytest.fixture(scope="module")
def podman_store_netns():
    """The same in a network namespace of its own: fixed ports are free, from 53 on."""
    yield from _store(netns=True)


@pytest.fixture(scope="session")
def service_images(tmp_path_factory):
    """An archive of each of our services that has an image."""
    return mcp_node.build_images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def standins(tmp_path_factory):
    """The archive of the other images of the reference platform."""
    archive = tmp_path_factory.mktemp("standins") / "standins.tar"
    mcp_node.build_standins(archive)
    return archive


@pytest.fixture(scope="module")
def bare_node(standins, request):
    """A node with the stand-ins, whose agent was never started (tests/support/mcp_node.py). A module
    may set EVENTS_MAX."""
    reason = podman.unavailable(netns=True)
    if reason:
        pytest.skip(reason)
    with podman.PodmanStore(netns=True,
                            events_max=getattr(request.module, "EVENTS_MAX", "64k")) as store:
        made = mcp_node.McpNode(store)
        made.load_images(standins)
        store.import_busybox()
        yield made


@pytest.fixture(scope="module")
def reference_node(bare_node, service_images):
    """The same with the images of our services, ready to become the reference platform."""
    for archive in service_images:
        bare_node.load_images(archive)
    return bare_node
