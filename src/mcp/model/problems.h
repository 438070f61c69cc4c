// Collects what is wrong with a definition, so that everything is reported at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/config/toml.h"
#include "dsl/result/result.h"
#include "mcp/model/codes.h"

namespace mcp::model {

// Confined to one thread; lives as long as one parse or resolve.
class Problems {
 public:
  explicit Problems(std::string_view file) : file_(file) {}

  // `id` is a catalogue code. At most kMax are kept: a file full of nonsense needs no more.
  void add(dsl::config::Position where, const char* id, std::string message);
  void add(dsl::config::Position where, std::string message) {
    add(where, code::kDefinitionInvalid, std::move(message));
  }

  bool empty() const { return found_.empty(); }
  // All of them in the order of the file, as kInvalidArgument. The error's id is that of the
  // problems if they share one. Else it is kDefinitionInvalid, and each
  // line begins with its own: "[MCP-0104] ...".
  dsl::Error to_error() const;

 private:
  static constexpr std::size_t kMax = 100;
  struct Problem {
    dsl::config::Position where;
    const char* id;
    std::string message;
  };

  std::string file_;
  std::vector<Problem> found_;
};

// ", did you mean `network`?" or, when nothing is near, "; known are `a`, `b`".
std::string suggestion(std::string_view word, const std::vector<std::string>& known);

}  // namespace mcp::model
