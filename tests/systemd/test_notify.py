"""What the agent tells systemd about itself."""
import signal

from processes import AGENT, PATIENCE_S, NotifySocket, agent_config, running


# HOUSE-A12: A listener on NOTIFY_SOCKET sees READY, WATCHDOG, RELOADING and STOPPING of mcp-agent.
def test_the_agent_says_how_it_is_doing(tmp_path):
    systemd = NotifySocket(tmp_path / "notify")
    with running([AGENT, "server", "--config", agent_config(tmp_path)], NOTIFY_SOCKET=systemd.path,
                 WATCHDOG_USEC="20000") as agent:
        assert systemd.next() == {"READY": "1", "STATUS": "serving"}
        assert systemd.next() == {"WATCHDOG": "1"}

        agent.send_signal(signal.SIGHUP)
        reloading = systemd.next_without_watchdog()
        assert reloading["RELOADING"] == "1" and int(reloading["MONOTONIC_USEC"]) > 0
        assert systemd.next_without_watchdog() == {"READY": "1", "STATUS": "serving"}

        with open(tmp_path / "mcp-agent.toml", "a", encoding="utf-8") as config:
            config.write("nonsense = 1\n")
        agent.send_signal(signal.SIGHUP)
        assert "RELOADING" in systemd.next_without_watchdog()
        assert systemd.next_without_watchdog()["STATUS"].startswith("serving as before: ")

        agent.terminate()
        assert systemd.next_without_watchdog()["STOPPING"] == "1"
        assert agent.wait(PATIENCE_S) == 0
