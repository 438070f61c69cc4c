# builds the container images of our services
# shellcheck shell=bash
#
# usage: ./dev image [--preset NAME] [--tag [SERVICE=]TAG]... [--json] [SERVICE...]
#
# Builds the binaries and makes build/images/SERVICE.tar of each (deploy/images/build, which can do
# more): an OCI archive for `podman load --input` or `mcp image load`. No service = all that have
# images. Prints digests and sizes. The same commit gives the same digests.
#
#   --preset NAME   of the binaries, default release
#   --tag TAG       of all, SERVICE=TAG of one; default: the version, as git describes it
#   --json          digests and sizes as JSON

main() {
  local preset=release options=() services=()
  while (($# > 0)); do
    case "$1" in
      --preset | --tag)
        (($# > 1)) || fail_usage "$1 needs a value" "./dev image --help"
        if [[ "$1" == --preset ]]; then preset="$2"; else options+=("$1" "$2"); fi
        shift
        ;;
      --preset=*) preset="${1#*=}" ;;
      --tag=*) options+=(--tag "${1#*=}") ;;
      --json) options+=("$1") ;;
      -*) fail_usage "unknown option '$1'" "./dev image --help" ;;
      *) services+=("$1") ;;
    esac
    shift
  done

  # All of them, whatever is asked for: mc-base has what every service loads.
  local listed=()
  mapfile -t listed < <(image_services)
  build_targets "$preset" "${listed[@]/#/bin/}" >&2
  run "$MC_ROOT/deploy/images/build" --binaries "$BUILD_ROOT/$preset/bin" \
    --output "$BUILD_ROOT/images" "${options[@]}" "${services[@]}"
}
