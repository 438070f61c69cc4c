# gRPC's C++ library as the target PkgConfig::grpc.
#
# Its .pc file names some hundred Abseil libraries, directly and again and again: pkg-config takes
# seconds over it, and each would be loaded at every start. The shared library brings its own; what
# its headers use inline is linked beside it.
add_library(PkgConfig::grpc INTERFACE IMPORTED)
foreach(library grpc++ grpc gpr absl_synchronization)
  find_library(MC_LIBRARY_${library} ${library} REQUIRED)
  target_link_libraries(PkgConfig::grpc INTERFACE "${MC_LIBRARY_${library}}")
endforeach()
