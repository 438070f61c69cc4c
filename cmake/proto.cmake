# mc_proto(NAME FILES dsl/v1/options.proto ...  [ROOT dir] [DEPS other_proto_targets])
#
# Makes the static library NAME from .proto files given relative to ROOT (default: proto/), and the
# Python modules that tests with foreign clients use, in build/<preset>/gen/python.
# Messages only: services are described by descriptors, served by dsl::rpc's method table. The
# comments of the files come with them (src/dsl/comment).
#
# The global property MC_PROTOS lists the libraries of the files below proto/.
#
# The target mc_generated makes the sources of all of them, for tools that only read.
add_custom_target(mc_generated)

function(mc_proto name)
  cmake_parse_arguments(arg "" "ROOT" "FILES;DEPS" ${ARGN})
  if(NOT arg_ROOT)
    set(arg_ROOT "${CMAKE_SOURCE_DIR}/proto")
    set_property(GLOBAL APPEND PROPERTY MC_PROTOS ${name})
  endif()
  set(comments "${CMAKE_SOURCE_DIR}/tools/protoc-gen-comments")
  set(python "${CMAKE_BINARY_DIR}/gen/python")
  file(MAKE_DIRECTORY "${python}")
  set(sources)
  foreach(file ${arg_FILES})
    string(REGEX REPLACE "\\.proto$" "" base "${file}")
    set(out "${CMAKE_BINARY_DIR}/gen/${base}.pb")
    get_filename_component(dir "${out}" DIRECTORY)
    file(MAKE_DIRECTORY "${dir}")
    add_custom_command(
      OUTPUT "${out}.cc" "${out}.h" "${python}/${base}_pb2.py"
      COMMAND protobuf::protoc "--proto_path=${arg_ROOT}" "--proto_path=${CMAKE_SOURCE_DIR}/proto"
              "--plugin=protoc-gen-comments=${comments}" "--cpp_out=${CMAKE_BINARY_DIR}/gen"
              "--comments_out=${CMAKE_BINARY_DIR}/gen" "--python_out=${python}" "${arg_ROOT}/${file}"
      DEPENDS "${arg_ROOT}/${file}" "${comments}"
      VERBATIM)
    list(APPEND sources "${out}.cc")
  endforeach()
  add_custom_target(${name}_sources DEPENDS ${sources})
  add_dependencies(mc_generated ${name}_sources)
  add_library(${name} STATIC ${sources})
  target_compile_options(${name} PRIVATE -w)
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf dsl_comment ${arg_DEPS})
endfunction()
