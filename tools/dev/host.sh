# What rootless Podman needs of a machine, prepared once and undone by whoever prepared it: `up` and
# `down` for the platform, `test` for its suites. Sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # owner and host_changes come from, and mcp_uid is for, who sources it

readonly mcp_uid=850

record_change() {
  mkdir -p "$(dirname "$host_changes")"
  grep -qxF "$*" "$host_changes" 2>/dev/null || printf '%s\n' "$*" >>"$host_changes"
}

host_plan=() # kind|what it does

# plan_change KIND WHAT: what prepare_host will do, found out without doing it.
plan_change() { host_plan+=("$1|$2"); }

has_subids() { grep -qE "^($owner|$EUID):" "$1" 2>/dev/null; }

# Plans what root must change for the user `owner`; for an ordinary user it only checks.
find_host_changes() {
  host_plan=()
  if ((EUID != 0)); then
    local file
    for file in /etc/subuid /etc/subgid; do
      has_subids "$file" ||
        fail "$file has no range for $owner" "as root: echo $owner:100000:65536 >> $file"
    done
    return
  fi
  if ! id mcp >/dev/null 2>&1; then
    plan_change user "make user and group mcp, uid and gid $mcp_uid, home /srv/mcp"
  elif [[ "$(id -u mcp)" != "$mcp_uid" ]]; then
    fail "user mcp has uid $(id -u mcp), not $mcp_uid" \
      "rename that user; the uid of rootless containers can never change later"
  fi
  has_subids /etc/subuid || plan_change subuid "add mcp:100000:65536 to /etc/subuid"
  has_subids /etc/subgid || plan_change subgid "add mcp:100000:65536 to /etc/subgid"
  [[ -d "/run/user/$mcp_uid" ]] || plan_change runtime-dir "make /run/user/$mcp_uid for mcp"
  [[ "$(stat -c %a /dev/net/tun 2>/dev/null)" == 666 ]] ||
    plan_change tun "make /dev/net/tun usable by everyone (mode 0666)"
  [[ ! -e /dev/fuse || "$(stat -c %a /dev/fuse)" == 666 ]] ||
    plan_change fuse "make /dev/fuse usable by everyone (mode 0666)"
  [[ "$(findmnt -no PROPAGATION /)" == *shared* ]] ||
    plan_change rshared "share mounts below / with containers (mount --make-rshared /)"
  local start
  start="$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)"
  ((start <= 53)) ||
    plan_change "ports $start" "let users bind ports from 53 on (ip_unprivileged_port_start, was $start)"
}

apply_change() {
  case "$1" in
    user)
      run groupadd -g "$mcp_uid" mcp
      # Debian warns that the uid is below UID_MIN of ordinary users, which it is meant to be.
      run useradd -u "$mcp_uid" -g "$mcp_uid" -d /srv/mcp -M -s /bin/bash mcp 2>/dev/null
      ;;
    subuid) echo "mcp:100000:65536" >>/etc/subuid ;;
    subgid) echo "mcp:100000:65536" >>/etc/subgid ;;
    runtime-dir) run install -d -m 0700 -o mcp -g mcp "/run/user/$mcp_uid" ;;
    tun)
      [[ -e /dev/net/tun ]] || { mkdir -p /dev/net && run mknod /dev/net/tun c 10 200; }
      run chmod 0666 /dev/net/tun
      ;;
    fuse) run chmod 0666 /dev/fuse ;;
    rshared) run mount --make-rshared / ;;
    "ports "*) run sysctl -q -w net.ipv4.ip_unprivileged_port_start=53 ;;
  esac
  record_change "$1"
}

# Does what find_host_changes has planned.
apply_host_changes() {
  local entry
  for entry in "${host_plan[@]}"; do
    apply_change "${entry%%|*}"
  done
}

undo_change() {
  case "$1" in
    user)
      run userdel mcp
      ;;
    subuid) run sed -i '/^mcp:100000:65536$/d' /etc/subuid ;;
    subgid) run sed -i '/^mcp:100000:65536$/d' /etc/subgid ;;
    runtime-dir) run rm -rf "/run/user/$mcp_uid" ;;
    tun) run chmod 0600 /dev/net/tun ;;
    fuse) run chmod 0600 /dev/fuse ;;
    rshared) run mount --make-rprivate / ;;
    "ports "*) run sysctl -q -w "net.ipv4.ip_unprivileged_port_start=${1#ports }" ;;
    "data "*) printf '%s\n' "$1" >>"$host_changes.kept" ;;
  esac
}

undo_host_changes() {
  [[ -f "$host_changes" ]] || return 0
  local lines=() i
  mapfile -t lines <"$host_changes"
  for ((i = ${#lines[@]} - 1; i >= 0; i--)); do
    undo_change "${lines[i]}" || say "not undone: ${lines[i]}"
  done
  rm -f "$host_changes"
  if [[ -f "$host_changes.kept" ]]; then
    mv "$host_changes.kept" "$host_changes"
  fi
}
