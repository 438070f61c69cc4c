# measures against peers: ours, theirs, ratio
# shellcheck shell=bash
#
# usage: ./dev bench [AREA...]
#
# Runs bench/AREA/run (all areas without one) under a machine-wide lock, so that two benches never
# measure each other. Results are also written to build/bench/AREA.json.

areas() {
  local script
  for script in "$MC_ROOT"/bench/*/run; do
    if [[ -x "$script" ]]; then
      basename "$(dirname "$script")"
    fi
  done
}

main() {
  local wanted=("$@") area
  if ((${#wanted[@]} == 0)); then
    mapfile -t wanted < <(areas)
  fi
  for area in "${wanted[@]}"; do
    [[ "$area" != */* && -x "$MC_ROOT/bench/$area/run" ]] ||
      fail_usage "no bench '$area'" "areas: $(areas | paste -sd' ')"
  done

  mkdir -p "$BUILD_ROOT/bench"
  # Users of one machine share the lock; none needs to own it.
  local lock="${TMPDIR:-/tmp}/metacircular-bench.lock"
  exec 9<>"$lock" || fail "cannot open $lock"
  chmod 0666 "$lock" 2>/dev/null || true
  if ! flock --nonblock 9; then
    say "bench: waiting for another bench on this machine"
    flock 9
  fi

  for area in "${wanted[@]}"; do
    # The script builds what it needs, prints ours / peer / ratio and writes its results there.
    run "$MC_ROOT/bench/$area/run" "$BUILD_ROOT/bench/$area.json"
  done
}
