// The comments of the linked .proto files.
#pragma once

#include <cstddef>
#include <string_view>

namespace dsl {

// Text above (or else behind) the declaration of this full name: a service, method, message, field,
// enum or value. Lines are joined to paragraphs. Empty when there is none. Thread-safe once main
// runs.
std::string_view comment_of(std::string_view full_name);

namespace comment {

struct Entry {
  std::string_view name;
  std::string_view text;
};

// The comments of one file, sorted by name. Made by generated code, before main runs; lives as long
// as the process.
class File {
 public:
  File(const Entry* entries, std::size_t count);

 private:
  friend std::string_view dsl::comment_of(std::string_view full_name);
  const Entry* const entries_;
  const std::size_t count_;
  const File* next_;
};

}  // namespace comment
}  // namespace dsl
