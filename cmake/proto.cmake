# mc_proto(NAME FILES proto/dsl/v1/options.proto ...  [DEPS other_proto_targets])
#
# Makes the static library NAME from .proto files given relative to proto/.
# Messages only: services are described by descriptors, served by dsl::rpc's method table.
function(mc_proto name)
  cmake_parse_arguments(arg "" "" "FILES;DEPS" ${ARGN})
  set(sources)
  foreach(file ${arg_FILES})
    string(REGEX REPLACE "\\.proto$" "" base "${file}")
    set(out "${CMAKE_BINARY_DIR}/gen/${base}.pb")
    get_filename_component(dir "${out}" DIRECTORY)
    file(MAKE_DIRECTORY "${dir}")
    add_custom_command(
      OUTPUT "${out}.cc" "${out}.h"
      COMMAND protobuf::protoc "--proto_path=${CMAKE_SOURCE_DIR}/proto"
              "--cpp_out=${CMAKE_BINARY_DIR}/gen" "${CMAKE_SOURCE_DIR}/proto/${file}"
      DEPENDS "${CMAKE_SOURCE_DIR}/proto/${file}"
      VERBATIM)
    list(APPEND sources "${out}.cc")
  endforeach()
  add_library(${name} STATIC ${sources})
  target_compile_options(${name} PRIVATE -w)
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf ${arg_DEPS})
endfunction()
