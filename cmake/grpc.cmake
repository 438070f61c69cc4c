# gRPC's C++ library as the target PkgConfig::grpc.
#
# Shared, it and Abseil are 45 files that the loader maps and binds at every start, twice as long as
# all else takes that a service does until it answers: docs/decisions/0003-static-grpc.md. Static they
# are 5 MB of each binary. Releases are static; what is built while one works is shared, since it
# links in no time.
option(MC_STATIC_GRPC "Link gRPC and Abseil into each binary" OFF)

# Its .pc file names some hundred Abseil libraries, directly and again and again: pkg-config takes
# seconds over it, and each would be loaded at every start.
add_library(PkgConfig::grpc INTERFACE IMPORTED)
if(MC_STATIC_GRPC)
  set(libraries libgrpc++.a libgrpc.a libgpr.a libaddress_sorting.a libupb.a libre2.a)
else()
  # The shared library brings its own; what its headers use inline is linked beside it.
  set(libraries grpc++ grpc gpr absl_synchronization)
endif()
foreach(library ${libraries})
  find_library(MC_LIBRARY_${library} ${library} REQUIRED)
  target_link_libraries(PkgConfig::grpc INTERFACE "${MC_LIBRARY_${library}}")
endforeach()
if(MC_STATIC_GRPC)
  # mold takes from an archive what is missing, wherever it stands. OpenSSL and protobuf stay shared:
  # their repairs come with the distribution, and they are two files.
  get_filename_component(folder "${MC_LIBRARY_libgrpc.a}" DIRECTORY)
  file(GLOB abseil "${folder}/libabsl_*.a")
  target_link_libraries(PkgConfig::grpc INTERFACE ${abseil} cares z OpenSSL::SSL OpenSSL::Crypto)
  add_link_options(-Wl,--gc-sections)
endif()
