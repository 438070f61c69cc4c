// JSON text as the tree that a message is read from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/result/result.h"

namespace dsl::transcode {

// Numbers stay as they were written, so that 64 bits lose nothing.
struct JsonValue {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };
  struct Member;

  Kind kind = Kind::kNull;
  std::string text;             // of a string; a number as written; "true" or "false"
  std::vector<Member> members;  // of an object in the order of the text; an array's have no names
};

struct JsonValue::Member {
  std::string name;
  JsonValue value;
};

// kInvalidArgument with the byte where the text is no JSON, is followed by more, nests deeper than
// 64 levels, or gives one object the same name twice.
Result<JsonValue> parse_json(std::string_view text);

// The text of a tree again.
void append_json(const JsonValue& value, std::string& out);

}  // namespace dsl::transcode
