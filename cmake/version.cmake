# Version, commit and date reach the code through one generated unit, so that a new commit
# recompiles one file. Honours SOURCE_DATE_EPOCH.
set(MC_VERSION_CC "${CMAKE_BINARY_DIR}/gen/version.cc")
add_custom_target(mc_version_stamp
  COMMAND "${CMAKE_COMMAND}" "-DOUT=${MC_VERSION_CC}" "-DSOURCE_DIR=${CMAKE_SOURCE_DIR}"
          -P "${CMAKE_SOURCE_DIR}/cmake/version_stamp.cmake"
  BYPRODUCTS "${MC_VERSION_CC}"
  VERBATIM)

# dsl_version: dsl::build_info() of src/dsl/service/version.h.
add_library(dsl_version STATIC "${MC_VERSION_CC}")
add_dependencies(dsl_version mc_version_stamp)
