# runs a fuzz target, or replays all kept inputs
# shellcheck shell=bash
#
# usage: ./dev fuzz TARGET [--time SECONDS]   runs fuzz/TARGET.cc with libFuzzer, 60 s by default
#        ./dev fuzz --replay                  runs every kept input of every target once
#
# Inputs that reach new code are kept in fuzz/corpus/TARGET; an input that fails is written to
# fuzz/corpus/TARGET/crash-*: keep it, it is the test of the fix.

fuzz_targets() {
  sed -nE 's/^ *mc_fuzz\(([a-z0-9_]+).*/\1/p' "$MC_ROOT/fuzz/CMakeLists.txt"
}

replay() {
  local targets=() name
  mapfile -t targets < <(fuzz_targets)
  if ((${#targets[@]} > 0)); then
    build_targets dev "${targets[@]/#/fuzz_}"
  fi
  for name in "${targets[@]}"; do
    run "$BUILD_ROOT/dev/fuzz/fuzz_$name" "$MC_ROOT/fuzz/corpus/$name"
  done
  say "fuzz: the corpora of ${#targets[@]} targets passed"
}

main() {
  local target="" seconds=60
  while (($# > 0)); do
    case "$1" in
      --replay)
        replay
        return
        ;;
      --time)
        seconds="${2:?--time needs seconds}"
        shift
        ;;
      --time=*) seconds="${1#*=}" ;;
      -*) fail_usage "unknown option '$1'" "./dev fuzz --help" ;;
      *) target="$1" ;;
    esac
    shift
  done
  if [[ -z "$target" ]] || ! fuzz_targets | grep -qxF -- "$target"; then
    fail_usage "no fuzz target '$target'" "targets: $(fuzz_targets | paste -sd' ')"
  fi

  local corpus="$MC_ROOT/fuzz/corpus/$target"
  mkdir -p "$corpus"
  build_targets fuzz "fuzz_$target"
  run "$BUILD_ROOT/fuzz/fuzz/fuzz_$target" -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="$corpus/" "$corpus"
}
