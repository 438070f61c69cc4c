# What `up`, `down` and `reset` share: where the platform lives, and how to act as its user.
# Sourced by their files, never run.
# shellcheck shell=bash

# shellcheck disable=SC2034 # most of this is for the files that source it
# shellcheck source=tools/dev/host.sh
source "$MC_ROOT/tools/dev/host.sh"

readonly run_dir="$MC_ROOT/run"
readonly host_changes="$run_dir/host-changes"  # one line for each thing that `down` must undo
readonly reference_dir="$MC_ROOT/deploy/examples/reference"
readonly reference_services=(mcns mc-proxy mcr metacrypt mcp-master mcq mcdoc mcat kls sgard)

# What lets a client in over the network: the authority to trust, a token, and mcp's own settings.
readonly ca_file="$run_dir/ca.crt" token_file="$run_dir/token" cli_config="$run_dir/mcp.toml"

# Sets: owner, state_dir, data_root, store_home, store_runtime, socket, port_offset.
locate_platform() {
  if ((EUID == 0)); then
    owner=mcp
    state_dir=/srv/mcp
    data_root=/srv
    store_home=/srv/mcp
    store_runtime="/run/user/$mcp_uid"
    socket=/srv/mcp/admin.sock
    port_offset=0
    return
  fi
  owner="$(id -un)"
  if [[ -z "${XDG_RUNTIME_DIR:-}" ]]; then
    fail "XDG_RUNTIME_DIR is not set" "log in through a real session, or: export XDG_RUNTIME_DIR=/run/user/$EUID"
  fi
  state_dir="$run_dir/state" # ./run/mcp is the command
  data_root="$run_dir/srv"
  store_home="$run_dir/home"
  store_runtime="$XDG_RUNTIME_DIR/metacircular"
  socket="$XDG_RUNTIME_DIR/mcp/admin.sock"
  port_offset=20000
}

# Runs a command as the platform's user, in its store, with nothing else of our environment.
as_owner() {
  local clean=(env -i "HOME=$store_home" "XDG_RUNTIME_DIR=$store_runtime"
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" LANG=C.UTF-8)
  if ((EUID == 0)); then
    run setpriv --reuid "$mcp_uid" --regid "$mcp_uid" --init-groups "${clean[@]}" "$@"
  else
    run "${clean[@]}" "$@"
  fi
}

agent_pid_file() { printf '%s/agent.pid' "$run_dir"; }

# The pid of the agent that `up` started, if it still runs.
agent_pid() {
  local pid
  pid="$(cat "$(agent_pid_file)" 2>/dev/null || true)"
  if [[ -n "$pid" && "$(cat "/proc/$pid/comm" 2>/dev/null)" == mcp-agent ]]; then
    printf '%s' "$pid"
  fi
}

# Ends a process and waits for it: end_process PID SECONDS
end_process() {
  kill -TERM "$1" 2>/dev/null || return 0
  local i
  for ((i = 0; i < $2 * 10; i++)); do
    [[ -d "/proc/$1" ]] || return 0
    sleep 0.1
  done
  kill -KILL "$1" 2>/dev/null || true
}

stop_agent() {
  local pid
  pid="$(agent_pid)"
  if [[ -n "$pid" ]]; then
    end_process "$pid" 40
  fi
  rm -f "$(agent_pid_file)"
}

# confirm QUESTION: yes with --yes, in CI, or by answer.
confirm() {
  if [[ -n "${assume_yes:-}" || "${CI:-}" == true ]]; then
    return 0
  fi
  if [[ ! -t 0 ]]; then
    fail "this asks before it changes the machine, and there is no terminal to ask on" "pass --yes"
  fi
  local answer
  read -r -p "$1 [y/N] " answer
  [[ "$answer" == y || "$answer" == yes ]]
}
