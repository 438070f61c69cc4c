# mc_test(NAME [DEPS our targets] [LIBS third-party targets])
#
# One GoogleTest binary per module, NAME_test, from every *_test.cc of this folder.
find_package(GTest REQUIRED)

function(mc_test name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc")
  add_executable(${name}_test ${sources})
  target_include_directories(${name}_test PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  target_compile_definitions(${name}_test PRIVATE "MC_TEST_DATA=\"${CMAKE_CURRENT_SOURCE_DIR}\""
                             "MC_SOURCE_DIR=\"${CMAKE_SOURCE_DIR}\"")
  target_link_libraries(${name}_test PRIVATE ${arg_DEPS} ${arg_LIBS} GTest::gmock GTest::gtest_main)
  set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name}_test)
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
  if(MC_SANITIZE STREQUAL "thread")
    set_tests_properties(${name} PROPERTIES ENVIRONMENT
      "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp ignore_noninstrumented_modules=1")
  endif()
endfunction()

# mc_fuzz(TARGET DEPS targets): fuzz/TARGET.cc with libFuzzer in the fuzz preset; elsewhere the
# same source is linked with a driver that replays fuzz/corpus/TARGET once, as a test.
function(mc_fuzz name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS" ${ARGN})
  add_executable(fuzz_${name} ${name}.cc)
  target_link_libraries(fuzz_${name} PRIVATE ${arg_DEPS} ${arg_LIBS})
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
  if(MC_FUZZ)
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE replay_main.cc)
    add_test(NAME fuzz_${name} COMMAND fuzz_${name} "${CMAKE_SOURCE_DIR}/fuzz/corpus/${name}")
  endif()
endfunction()

# mc_pytest(NAME [DEPENDS targets]): the test_*.py of this folder as one test, with the
# distribution's Python. DEPENDS: the binaries that it runs, found below $MC_BUILD; NAME_test builds
# them.
function(mc_pytest name)
  cmake_parse_arguments(arg "" "" "DEPENDS" ${ARGN})
  add_custom_target(${name}_test DEPENDS ${arg_DEPENDS})
  add_test(NAME ${name}
           COMMAND /usr/bin/python3 -m pytest -q -p no:cacheprovider
                   "--junitxml=${CMAKE_BINARY_DIR}/results/${name}.xml" "${CMAKE_CURRENT_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES TIMEOUT 600
    ENVIRONMENT "MC_BUILD=${CMAKE_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1")
endfunction()
