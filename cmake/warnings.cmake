# Language level, warnings and hardening, the same for every target of ours.
# Third-party and generated headers are SYSTEM, so they cannot break -Werror.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Wimplicit-fallthrough -Wvla -Werror
  -fstack-protector-strong -D_GLIBCXX_ASSERTIONS -fstack-clash-protection -fcf-protection
  "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
# Options are structs with defaults, and a call site names only the fields that differ; g++ takes
# each field left out for a mistake.
add_compile_options(-Wno-missing-field-initializers)
# _FORTIFY_SOURCE needs the optimizer; without it glibc only warns, and -Werror stops the build.
add_compile_options("$<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>")
# With the optimizer g++ 12 takes the string of an expected that holds an error for an uninitialized
# one, and the assignment of a literal to a string for a copy onto itself (GCC bug 105329). The
# sanitizers find the real ones.
add_compile_options(
  "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-maybe-uninitialized;-Wno-restrict>")
add_link_options(-Wl,-z,relro,-z,now -Wl,--as-needed -pie)

# One implementation of each of these libraries, in the distribution or in dsl.
add_compile_definitions(
  SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  TOML_HEADER_ONLY=0)

include_directories("${CMAKE_SOURCE_DIR}/src")
include_directories(SYSTEM "${CMAKE_BINARY_DIR}/gen")
