// The journal of a deploy: what to undo, in order, as JSON in its operation's row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/result/result.h"

namespace mcp::agent {

// One effect that was about to happen, and can be taken back.
struct Undo {
  enum class Kind {
    kRemoveNew,        // remove `container` if its operation label is ours
    kUnpark,           // give the container `id` its name `container` back, and start it if it ran
    kRemoveDirectory,  // `container` is a path that the deploy made; removed if still empty
  } kind = Kind::kRemoveNew;
  std::string container;
  std::string component;
  std::string id;
  bool was_running = false;
};

struct Journal {
  bool committed = false;
  std::vector<Undo> undos;  // in the order of the effects

  std::string to_json() const;
};

dsl::Result<Journal> journal_from_json(std::string_view text);

}  // namespace mcp::agent
