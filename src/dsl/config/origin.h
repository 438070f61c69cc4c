// Where the value of a key came from.
#pragma once

#include <memory>
#include <string>

#include "dsl/config/toml.h"

namespace dsl::config {

// A place in the file becomes a text when somebody asks for it.
struct Origin {
  std::string text = "default";             // "$MCQ_AGENT_TICK", "command line"
  std::shared_ptr<const std::string> file;  // nothing = none; else `text` comes behind the place
  Position position;

  std::string shown() const;  // "mcq.toml:3:8"
  // Another place of the same file: that of a value inside of this one.
  Origin inside(Position place) const { return {"", file, place}; }
};

}  // namespace dsl::config
