# stands the reference platform up on this machine
# shellcheck shell=bash
#
# usage: ./dev up [--yes]
#
# Installs packages, builds, makes the images (that of mcns, and stand-ins until the other services
# land), starts the agent and boots the ten services in dependency order behind their health gates, on
# loopback.
#
# As root it uses the user `mcp` (uid 850), its store in /srv/mcp, data in /srv/<service>, and the
# usual ports. As an ordinary user it uses that user, ./run/, and ports offset by 20000 (28080, 28116
# and 28081 for mcq, mcat and kls, whose own ports leave no room for the offset).
# It says first what it will change on the machine, and asks. `./dev down` undoes it.
#
# The agent also listens on loopback, with a certificate made here and a token in ./run/token: gRPC on
# 9444, REST on 9445, plain /metrics and health on 9446.
#
# The name service gets its configuration and the zones of the reference platform in <data>/mcns, where
# they are yours to change, and a certificate of the same authority. ./run/mcns is its command line.
#
#   --yes   do not ask
#
# Running it again brings everything to the present state of the tree; containers that are as they
# should be are left alone.

# shellcheck source=tools/dev/platform.sh
source "$MC_ROOT/tools/dev/platform.sh"
# shellcheck source=tools/dev/certificate.sh
source "$MC_ROOT/tools/dev/certificate.sh"

readonly node=rift # the reference platform's name for its first
readonly lan=127.0.1.1 overlay=127.0.2.1

announce() {
  say "This machine will be changed:"
  local report
  if ! report="$("$MC_ROOT/dev" setup --check build podman)"; then
    say "  - install ${report#setup: missing: }"
  fi
  local entry
  for entry in "${host_plan[@]}"; do
    say "  - ${entry#*|}"
  done
  say "  - keep the platform in $state_dir, its data in $data_root/<service>"
  say "  - run twelve containers as $owner, on loopback addresses, ports from $((53 + port_offset)) on"
  say "  - let the agent listen on 127.0.0.1:$((9444 + port_offset)) to $((9446 + port_offset)), with a certificate of its own"
  say "./dev down undoes it."
}

# The store's own settings: what rootless Podman needs where no systemd delegates cgroups.
write_store_config() {
  local config="$store_home/.config/containers" runtime=crun
  [[ "$(stat -fc %T /sys/fs/cgroup)" == cgroup2fs ]] || runtime=runc # crun refuses hybrid cgroups
  local files processes
  files="$(ulimit -Hn)"
  processes="$(ulimit -Hu)"
  as_owner mkdir -p "$config"
  as_owner tee "$config/containers.conf" >/dev/null <<CONF
[containers]
default_ulimits = ["nofile=$(at_most 20000 "$files"):$(at_most 20000 "$files")", "nproc=$(at_most 8192 "$processes"):$(at_most 8192 "$processes")"]

[engine]
runtime = "$runtime"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
CONF
  as_owner tee "$config/storage.conf" >/dev/null <<'CONF'
[storage]
driver = "overlay"
CONF
}

at_most() {
  if [[ "$2" == unlimited ]] || (($2 > $1)); then echo "$1"; else echo "$2"; fi
}

# Directories of the state, the data and the store, with their owner.
make_directories() {
  local service directory
  mkdir -p "$run_dir/services" "$run_dir/bin"
  for directory in "$state_dir" "$store_home" "$store_runtime" "$(dirname "$socket")"; do
    make_owned "$directory" 0700
  done
  if ((EUID == 0)); then
    chmod 0755 "$state_dir" # the socket below it is for the group mcp-admin, too
  fi
  for service in "${reference_services[@]}"; do
    if [[ ! -d "$data_root/$service" ]]; then
      make_owned "$data_root/$service" 0750
      record_change "data $data_root/$service"
    fi
  done
}

make_owned() {
  [[ -d "$1" ]] && return
  mkdir -p "$1"
  chmod "$2" "$1"
  if ((EUID == 0)); then
    chown mcp:mcp "$1"
  fi
}

# The pairs of the agent and of mcns, and the authority that clients trust. What is good stays.
provide_tls() {
  mkdir -p "$state_dir/tls"
  provide_certificates "$state_dir/tls" "agent $node localhost 127.0.0.1" \
    "mcns mcns.svc.mcp.metacircular.net localhost 127.0.0.1 $lan $overlay"
  if ((EUID == 0)); then
    chown -R mcp:mcp "$state_dir/tls"
  fi
  install -m 0644 "$state_dir/tls/ca.crt" "$ca_file"
}

# What mcns reads in its container: a pair, a configuration, and the zones of its first start with the
# addresses of this node. As the owner, whom the container sees as root; the files that are there stay.
write_mcns_files() {
  local data="$data_root/mcns" file
  as_owner mkdir -p -m 0700 "$data/tls"
  for file in mcns.key mcns.crt; do
    as_owner cmp -s "$state_dir/tls/$file" "$data/tls/$file" ||
      as_owner install -m 0600 "$state_dir/tls/$file" "$data/tls/$file"
  done
  if ! as_owner test -e "$data/mcns.toml"; then
    as_owner tee "$data/mcns.toml" <"$MC_ROOT/deploy/examples/mcns/mcns.toml" >/dev/null
  fi
  if ! as_owner test -e "$data/seed.toml"; then
    sed "s/192\.168\.88\.181/$lan/; s/100\.95\.252\.120/$overlay/" \
      "$MC_ROOT/deploy/examples/mcns/seed.toml" | as_owner tee "$data/seed.toml" >/dev/null
  fi
}

write_agent_config() {
  local gid
  gid="$(id -g "$owner")"
  as_owner tee "$state_dir/mcp-agent.toml" >/dev/null <<CONF
# Written by ./dev up; \`mcp-agent config reference\` explains every key.
[socket]
path = "$socket"
group = ""

[server]
grpc_addr = "127.0.0.1:$((9444 + port_offset))"
rest_addr = "127.0.0.1:$((9445 + port_offset))"
tls_cert = "$state_dir/tls/agent.crt"
tls_key = "$state_dir/tls/agent.key"

[metrics]
addr = "127.0.0.1:$((9446 + port_offset))"

[auth]
tokens = "$state_dir/tokens"

[database]
path = "$state_dir/mcp.db"
specs_dir = "$state_dir/specs"

[node]
name = "$node"
addresses = { loopback = "127.0.0.1", lan = "$lan", overlay = "$overlay" }

[podman]
mode = "spawn"

[agent]
data_root = "$data_root"
volume_roots = ["$data_root"]
image_dirs = ["$state_dir/images"]
port_offset = $port_offset

[identity]
uid = $(id -u "$owner")
gid = $gid
CONF
}

# The definitions, with the host-network stand-ins kept to loopback and to our ports.
write_definitions() {
  local service
  for service in "${reference_services[@]}"; do
    cp "$reference_dir/$service.toml" "$run_dir/services/$service.toml"
  done
  local o="$port_offset"
  if ((o > 0)); then # these three would come to lie beyond 65535
    sed -i "s|:48080:|:8080:|g" "$run_dir/services/mcq.toml"
    sed -i "s|:48116:|:8116:|" "$run_dir/services/mcat.toml"
    sed -i "s|:58080:|:8081:|g" "$run_dir/services/kls.toml"
  fi
  listen_on mc-proxy "https=127.0.0.1:$((443 + o)) https=127.0.0.1:$((8443 + o)) grpc=127.0.0.1:$((9443 + o))"
  listen_on mcp-master "grpc=127.0.0.1:$((9555 + o))"
}

# listen_on SERVICE LISTENERS: where its stand-in listens on the host's network.
listen_on() {
  sed -i "s|^network = \"host\"|&\nenv = { STANDIN_LISTEN = \"$2\" }|" "$run_dir/services/$1.toml"
}

# ./run/mcp: the CLI of this platform, without options to remember.
write_wrapper() {
  cat >"$cli_config" <<CONF
# Written by ./dev up. \`./run/mcp\` asks the agent's socket, with --node $node its network listener.
[mcp]
token_file = "$token_file"

[[nodes]]
name = "$node"
addresses = ["127.0.0.1:$((9444 + port_offset))"]
ca_cert = "$ca_file"
CONF
  cat >"$run_dir/bin/mcp" <<WRAPPER
#!/bin/sh
# Variables, not options: the first word stays the caller's, as completion needs it.
export MCP_SOCKET="$socket" MCP_SERVICES_DIR="$run_dir/services" MCP_CONFIG="$cli_config"
exec "$BUILD_ROOT/dev/bin/mcp" "\$@"
WRAPPER
  chmod 0755 "$run_dir/bin/mcp"
  ln -sfn bin/mcp "$run_dir/mcp"
}

# ./run/mcns: the name service's own commands, run in its container, which has no shell for them.
write_mcns_wrapper() {
  local become=""
  if ((EUID == 0)); then
    become="setpriv --reuid $mcp_uid --regid $mcp_uid --init-groups "
  fi
  cat >"$run_dir/bin/mcns" <<WRAPPER
#!/bin/sh
terminal=
if [ -t 0 ] && [ -t 1 ]; then terminal=--tty; fi
cd / && exec ${become}env -i "HOME=$store_home" "XDG_RUNTIME_DIR=$store_runtime" \\
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \\
  podman exec --interactive \$terminal mcns mcns "\$@"
WRAPPER
  chmod 0755 "$run_dir/bin/mcns"
  ln -sfn bin/mcns "$run_dir/mcns"
}

# The images: ours under the tags that the definitions ask for, and the stand-ins. Scripts and binaries
# are read by us, podman runs as the owner.
provide_images() {
  local service tags=()
  for service in "$@"; do
    tags+=(--tag "$service=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$reference_dir/$service.toml")")
  done
  "$MC_ROOT/deploy/images/build" --binaries "$BUILD_ROOT/dev/bin" --output "$run_dir/images" \
    "${tags[@]}" >/dev/null
  "$MC_ROOT/deploy/images/build-standins" --binary "$BUILD_ROOT/dev/bin/mc-standin" \
    --output "$run_dir/images/standins.tar" >/dev/null
  local archive
  for archive in "$run_dir"/images/*.tar; do
    as_owner podman load --quiet <"$archive" >/dev/null
  done
}

# Containers whose image has been made anew under the same tag go, and the boot makes them again.
drop_outdated() {
  local name image reference
  while read -r name image reference; do
    if [[ "$(as_owner podman image inspect --format '{{.Id}}' "$reference" 2>/dev/null)" != "$image"* ]]; then
      say "$name has a new image"
      stop_agent # it would bring back what goes here
      as_owner podman rm --force --time 10 "$name" >/dev/null
      as_owner podman rmi "$image" >/dev/null 2>&1 || true # used by another
    fi
  done < <(as_owner podman ps --all --filter label=mcp.managed=1 \
    --format '{{.Names}} {{.ImageID}} {{.Image}}')
}

start_agent() {
  stop_agent
  local binary="$state_dir/mcp-agent"
  as_owner tee "$binary.new" <"$BUILD_ROOT/dev/bin/mcp-agent" >/dev/null
  as_owner chmod 0755 "$binary.new"
  as_owner mv "$binary.new" "$binary"
  # Beside it: what runs in containers for it.
  as_owner tee "$state_dir/mcp-ns" <"$BUILD_ROOT/dev/bin/mcp-ns" >/dev/null
  as_owner chmod 0755 "$state_dir/mcp-ns"
  # In a session of its own, with nothing of ours open: it outlives this terminal, and a pipe that
  # this script writes to ends with the script.
  (cd / && as_owner setsid --fork "$binary" server --config "$state_dir/mcp-agent.toml" \
    </dev/null >>"$run_dir/agent.log" 2>&1)
  local i
  for ((i = 0; i < 100; i++)); do
    if "$run_dir/mcp" agent status >/dev/null 2>&1; then
      find_agent_pid >"$(agent_pid_file)"
      return
    fi
    sleep 0.1
  done
  tail -n 5 "$run_dir/agent.log" >&2 || true
  fail "the agent did not start" "its log is $run_dir/agent.log; $binary doctor checks the node"
}

# A token of the agent for whoever runs this; one that is there stays.
provide_token() {
  if [[ -s "$token_file" ]] && "$run_dir/mcp" token list --json | grep -q '"name": *"dev-up"'; then
    return
  fi
  "$run_dir/mcp" --quiet token remove dev-up 2>/dev/null || true
  (umask 077 && "$run_dir/mcp" --quiet token add dev-up --role admin >"$token_file")
}

find_agent_pid() {
  pgrep -u "$(id -u "$owner")" -f "^$state_dir/mcp-agent server" | head -n 1
}

main() {
  assume_yes=""
  for word in "$@"; do
    case "$word" in
      --yes | -y) assume_yes=1 ;;
      *) fail_usage "unknown argument '$word'" "./dev up --help" ;;
    esac
  done
  local begun=$SECONDS
  locate_platform
  find_host_changes
  announce
  confirm "Go on?" || fail "nothing was changed" "./dev up --yes does not ask"

  say "== packages"
  "$MC_ROOT/dev" setup build podman
  apply_host_changes
  say "== build"
  local services=()
  mapfile -t services < <(image_services)
  build_targets dev mcp mcp-agent mcp-ns mc-standin "${services[@]}"
  say "== images (mcns; stand-ins for the others: they answer health gates and nothing else)"
  make_directories
  write_store_config
  provide_images "${services[@]}"
  (cd / && drop_outdated)
  say "== agent"
  provide_tls
  write_mcns_files
  write_agent_config
  write_definitions
  write_wrapper
  write_mcns_wrapper
  start_agent
  provide_token
  say "== boot"
  "$run_dir/mcp" --quiet sync --init
  "$run_dir/mcp" boot
  say ""
  say "The platform is up after $((SECONDS - begun)) s. Its address book:"
  "$run_dir/mcp" ps
  local store="$store_home/.local/share/containers/storage"
  cat <<NEXT

Try next:
  ./run/mcp status                       the node at a glance
  ./run/mcp --node $node status           the same over the network: gRPC, TLS 1.3, a token
  curl --cacert run/ca.crt -H "Authorization: Bearer \$(cat run/token)" https://localhost:$((9445 + port_offset))/v1/services
                                         and as REST; /v1/openapi.json describes it
  dig @$lan -p $((53 + port_offset)) mcr.svc.mcp.metacircular.net
                                         ask the name service
  ./run/mcns explain mcr.svc.mcp.metacircular.net A
                                         and ask it why; ./run/mcns --help shows the rest
  rm $store/libpod/bolt_state.db
                                         lose podman's database, as on 3 April 2026
  ./run/mcp agent recover --dry-run      what it would take to come back
  ./run/mcp agent recover                come back
  ./run/mcp ps                           and look
  ./dev down                             stop it, and undo what was changed on this machine
NEXT
}
