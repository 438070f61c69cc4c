// Everything that is wrong with a write, told at once.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "dsl/result/result.h"

namespace mcns::writer {

// kInvalidArgument for a field of the request: the message begins with it, the details name it.
template <class... Args>
dsl::Failure wrong_field(std::string_view field, std::string_view pattern, const Args&... args) {
  std::string what = dsl::text(pattern, args...);
  dsl::Failure failure = dsl::fail(dsl::Code::kInvalidArgument, "{}: {}", field, what);
  return std::move(failure).detail(std::string(field), std::move(what));
}

class Problems {
 public:
  // `where` is the part of the request at fault, "operations[2]"; empty when there is but one.
  // It takes the place of what the details of `error` name.
  void add(dsl::Error error, const std::string& where = "");
  bool full() const { return count_ >= kMax; }
  // The first of them, with all in its details when there are several.
  dsl::Result<void> verdict() &&;

 private:
  static constexpr std::size_t kMax = 100;
  std::optional<dsl::Error> first_;
  std::optional<dsl::Detail> first_detail_;
  std::size_t count_ = 0;
};

}  // namespace mcns::writer
