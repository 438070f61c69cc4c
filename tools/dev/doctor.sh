# checks this machine: packages, Podman's needs, ports, clock, disk
# shellcheck shell=bash
#
# usage: ./dev doctor
#
# Prints one line a check, and with each finding its fix. Exit 10 when there is one.

findings=0

good() { printf 'ok     %s\n' "$1"; }

# finding WHAT FIX
finding() {
  printf 'wrong  %s\n       fix: %s\n' "$1" "$2"
  findings=$((findings + 1))
}

# The user whose containers `./dev up` runs: mcp for root, else whoever asks.
container_user() {
  if ((EUID == 0)); then
    echo mcp
  else
    id -un
  fi
}

check_system() {
  local id version
  id="$(. /etc/os-release && printf '%s' "$ID")"
  version="$(. /etc/os-release && printf '%s' "${VERSION_ID:-}")"
  if [[ "$id $version" == "debian 12" ]]; then
    good "Debian 12"
  else
    finding "this is $id $version, not Debian 12" "use a Debian 12 machine, container or virtual machine"
  fi
}

check_packages() {
  local report
  if report="$("$MC_ROOT/dev" setup --check)"; then
    good "packages"
  else
    finding "${report#setup: }" "./dev setup"
  fi
}

# version_at_least NAME WANTED ACTUAL
version_at_least() {
  if [[ -n "$3" ]] && dpkg --compare-versions "$3" ge "$2"; then
    good "$1 $3"
  else
    finding "$1 is ${3:-missing}, $2 or newer is needed" "./dev setup"
  fi
}

check_versions() {
  version_at_least g++ 12 "$(g++ -dumpfullversion 2>/dev/null || true)"
  version_at_least cmake 3.25 "$(cmake --version 2>/dev/null | awk 'NR == 1 { print $3 }')"
  version_at_least ninja 1.11 "$(ninja --version 2>/dev/null || true)"
  version_at_least podman 4.3 "$(podman --version 2>/dev/null | awk '{ print $3 }')"
}

check_user() {
  local user file
  user="$(container_user)"
  if ! id "$user" >/dev/null 2>&1; then
    finding "there is no user $user" "./dev up makes it"
    return
  fi
  for file in /etc/subuid /etc/subgid; do
    if grep -q "^$user:[0-9]*:[0-9]\{5,\}" "$file" 2>/dev/null; then
      good "$file has a range for $user"
    else
      finding "$file has no range of 65536 ids for $user" "usermod --add-${file#/etc/}s 100000-165535 $user"
    fi
  done
}

# check_device PATH MODULE
check_device() {
  if [[ -c "$1" && -r "$1" && -w "$1" ]]; then
    good "$1"
  elif [[ -c "$1" ]]; then
    finding "$1 cannot be opened by $(id -un)" "chmod 0666 $1"
  else
    finding "$1 is missing" "modprobe $2"
  fi
}

check_ports() {
  local offset=20000 port busy=()
  if ((EUID == 0)); then
    offset=0
  fi
  local first
  first="$(</proc/sys/net/ipv4/ip_unprivileged_port_start)"
  if ((offset == 0 && first > 53)); then
    finding "ports below $first are closed to rootless containers" \
      "sysctl net.ipv4.ip_unprivileged_port_start=53; ./dev up asks and does it"
  fi
  for port in 53 443 8443; do
    if [[ -n "$(ss -Hln "sport = :$((port + offset))" 2>/dev/null)" ]]; then
      busy+=("$((port + offset))")
    fi
  done
  if ((${#busy[@]} == 0)); then
    good "ports are free"
  else
    finding "ports in use: ${busy[*]}" "ss -lnp shows by whom; ./dev down ends a running platform"
  fi
}

check_propagation() {
  if [[ "$(findmnt --noheadings --output PROPAGATION /)" == shared ]]; then
    good "/ is a shared mount"
  else
    finding "/ is not a shared mount: volumes of containers miss later mounts" "mount --make-rshared /"
  fi
}

check_clock() {
  # A clock before the newest commit makes certificates invalid and Ninja rebuild for ever.
  local newest
  newest="$(git -C "$MC_ROOT" log -1 --format=%ct 2>/dev/null || echo 0)"
  if (($(date +%s) + 60 >= newest)); then
    good "clock"
  else
    finding "the clock is behind the newest commit" "set it, and keep it with systemd-timesyncd or chrony"
  fi
}

check_disk() {
  local free_mb
  free_mb="$(df --output=avail -BM "$MC_ROOT" | tail -1 | tr -dc 0-9)"
  if ((free_mb >= 8192)); then
    good "disk: $((free_mb / 1024)) GiB free"
  else
    finding "disk: $free_mb MiB free, a build with its cache takes 8 GiB" "make room, or ccache --max-size 2G"
  fi
}

main() {
  (($# == 0)) || fail_usage "unknown argument '$1'" "./dev doctor --help"
  check_system
  check_packages
  check_versions
  check_user
  check_device /dev/net/tun tun
  check_device /dev/fuse fuse
  check_propagation
  check_ports
  check_clock
  check_disk
  if ((findings > 0)); then
    say "$findings findings"
    exit 10
  fi
}
