// Everything that is wrong with a write, told at once.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "dsl/result/result.h"

namespace mcns::writer {

class Problems {
 public:
  // `where` is the part of the request at fault, "operations[2]"; empty when there is but one.
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
