// GoogleTest matchers for Result.
//
//   ASSERT_THAT(files.rename(a, b), ok());
//   const Zone zone = require_ok(zones.find("example.test."));
//   EXPECT_THAT(zones.find("nowhere."), failed_with(Code::kNotFound));
#pragma once

#include <cstdio>
#include <cstdlib>
#include <ostream>

#include <gmock/gmock.h>

#include "dsl/result/result.h"

namespace dsl {

// How GoogleTest prints them.
inline void PrintTo(Code code, std::ostream* out) { *out << code_info(code).name; }
inline void PrintTo(const Error& error, std::ostream* out) {
  *out << code_info(error.code()).name << " " << error.render();
}

}  // namespace dsl

namespace dsl::test {

inline std::string describe(const Error& error) {
  return text("which fails with {}: {}", code_info(error.code()).name, error.render());
}

MATCHER(ok, negation ? "is an error" : "is no error") {
  if (!arg.has_value()) {
    *result_listener << describe(arg.error());
  }
  return arg.has_value();
}

MATCHER_P(failed_with, code, "fails with " + std::string(code_info(code).name)) {
  if (arg.has_value()) {
    *result_listener << "which succeeded";
    return false;
  }
  *result_listener << describe(arg.error());
  return arg.error().code() == code;
}

// As failed_with, and the message and hint together contain `words`.
MATCHER_P2(failed_saying, code, words,
           "fails with " + std::string(code_info(code).name) + " saying \"" + words + "\"") {
  if (arg.has_value()) {
    *result_listener << "which succeeded";
    return false;
  }
  *result_listener << describe(arg.error());
  return arg.error().code() == code && arg.error().render().find(words) != std::string::npos;
}

// The value of `result`; ends the test binary with the error when there is none.
template <class T>
T require_ok(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "required value is an error: %s\n", result.error().render().c_str());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

}  // namespace dsl::test
