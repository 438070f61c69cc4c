# Adds every direct sub-folder of `dir` that has a CMakeLists.txt, in name order.
function(mc_add_subdirectories dir)
  file(GLOB lists CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${dir}/*/CMakeLists.txt")
  if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${dir}/CMakeLists.txt")
    add_subdirectory("${dir}")
    return()
  endif()
  foreach(list ${lists})
    get_filename_component(sub "${list}" DIRECTORY)
    add_subdirectory("${sub}")
  endforeach()
endfunction()

# mc_module(NAME [DEPS our targets] [LIBS third-party targets])
#
# The static library of this folder: every *.cc except main.cc.
function(mc_module name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE ${arg_LIBS})
endfunction()

# mc_binary(NAME DEPS targets): main.cc of this folder, which only wires.
function(mc_binary name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS" ${ARGN})
  add_executable(${name} main.cc)
  target_link_libraries(${name} PRIVATE ${arg_DEPS} ${arg_LIBS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
endfunction()
