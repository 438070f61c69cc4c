# builds everything, or one target
# shellcheck shell=bash
#
# usage: ./dev build [TARGET...] [--preset NAME] [--times]
#
#   --preset NAME   dev (default), debug, release, asan, tsan, fuzz, cov; see CMakePresets.json
#   --times         then print the 20 slowest translation units of the last build of each; fails
#                   when one took over 20 s. Seconds of the clock: measure on a quiet machine

main() {
  local preset=dev times="" targets=()
  while (($# > 0)); do
    case "$1" in
      --preset)
        preset="${2:?--preset needs a name}"
        shift
        ;;
      --preset=*) preset="${1#*=}" ;;
      --times) times=1 ;;
      -*) fail_usage "unknown option '$1'" "./dev build --help" ;;
      *) targets+=("$1") ;;
    esac
    shift
  done
  grep -q "\"name\": \"$preset\"" "$MC_ROOT/CMakePresets.json" ||
    fail_usage "no preset '$preset'" "CMakePresets.json lists them"

  build_targets "$preset" "${targets[@]}"
  if [[ -n "$times" ]]; then
    run "$PYTHON" "$MC_ROOT/tools/dev/build_times.py" "$BUILD_ROOT/$preset/.ninja_log"
  fi
}
