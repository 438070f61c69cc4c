# stops what `up` started and undoes its changes to the machine; data stays
# shellcheck shell=bash
#
# usage: ./dev down
#
# Stops the agent and the containers, in reverse boot order, takes back the certificates and the token
# that they were reached with, and undoes what `./dev up` recorded in ./run/host-changes. Images, the
# registry and the data of the services stay: `./dev up` finds them again, `./dev reset` wipes them.

# shellcheck source=tools/dev/platform.sh
source "$MC_ROOT/tools/dev/platform.sh"

stop_containers() {
  if [[ -n "$(agent_pid)" ]]; then
    "$run_dir/mcp" --quiet boot --down || true
  fi
  stop_agent
  if ! id "$owner" >/dev/null 2>&1 || [[ ! -d "$store_runtime" ]]; then
    return
  fi
  local ids
  ids="$(cd /; as_owner podman ps --all --quiet --filter label=mcp.managed=1 2>/dev/null || true)"
  if [[ -n "$ids" ]]; then
    # shellcheck disable=SC2086 # a list of ids
    (cd / && as_owner podman rm --force --time 5 $ids >/dev/null)
  fi
  # The API service of the agent, and podman's pause process, outlive both on purpose.
  local pid
  for pid in $(pgrep -u "$(id -u "$owner")" -f "podman system service .*$store_runtime" || true); do
    end_process "$pid" 5
  done
  pid="$(cat "$store_runtime/libpod/tmp/pause.pid" 2>/dev/null || true)"
  if [[ -n "$pid" ]]; then
    end_process "$pid" 2
  fi
}

main() {
  (($# == 0)) || fail_usage "unknown argument '$1'" "./dev down --help"
  locate_platform
  if [[ ! -d "$run_dir" ]]; then
    say "nothing is up"
    return
  fi
  stop_containers
  rm -rf "$state_dir/tls" "$data_root/mcns/tls" "$state_dir/tokens" "$ca_file" "$token_file" \
    "$cli_config"
  undo_host_changes
  say "down; images, registry and data are kept (./dev reset wipes them)"
}
