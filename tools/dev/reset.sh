# stops the platform and wipes its store, registry and data, after asking
# shellcheck shell=bash
#
# usage: ./dev reset [--yes]
#
# Does what `./dev down` does, then removes the store with its images, the registry, ./run/, and the
# data directories that `./dev up` made.

# shellcheck source=tools/dev/platform.sh
source "$MC_ROOT/tools/dev/platform.sh"

# Files of containers belong to subordinate ids: their owner is root of a user namespace.
wipe_as_owner() {
  [[ -d "$1" ]] || return 0
  if ((EUID == 0)); then
    run rm -rf "$1"
  else
    run podman unshare rm -rf "$1"
  fi
}

main() {
  assume_yes=""
  for word in "$@"; do
    case "$word" in
      --yes | -y) assume_yes=1 ;;
      *) fail_usage "unknown argument '$word'" "./dev reset --help" ;;
    esac
  done
  locate_platform
  local data=()
  mapfile -t data < <(sed -n 's/^data //p' "$host_changes" 2>/dev/null)
  say "This will be removed: $state_dir $store_home $run_dir ${data[*]}"
  confirm "Wipe all of it?" || fail "nothing was removed" "./dev reset --yes does not ask"
  "$MC_ROOT/dev" down
  local directory
  for directory in "${data[@]}" "$state_dir" "$store_home"; do
    wipe_as_owner "$directory"
  done
  # The folder itself goes in `down`, where `up` had made it.
  if [[ -d "$store_runtime" ]]; then
    find "$store_runtime" -mindepth 1 -delete
  fi
  rm -rf "$run_dir"
  say "wiped"
}
