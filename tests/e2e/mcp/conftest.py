"""A node with the real agent for each module; see tests/support/mcp_node.py."""
import mcp_node
import podman_store
import pytest


@pytest.fixture(scope="session")
def standins(tmp_path_factory):
    """The archive of all images of the reference platform."""
    archive = tmp_path_factory.mktemp("standins") / "standins.tar"
    mcp_node.build_standins(archive)
    return archive


@pytest.fixture(scope="module")
def bare_node(standins, request):
    """A node with the images, whose agent was never started. A module may set EVENTS_MAX."""
    reason = podman_store.unavailable(netns=True)
    if reason:
        pytest.skip(reason)
    with podman_store.PodmanStore(netns=True,
                                 events_max=getattr(request.module, "EVENTS_MAX", "64k")) as store:
        made = mcp_node.McpNode(store)
        made.load_images(standins)
        store.import_busybox()
        yield made
