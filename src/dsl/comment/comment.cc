#include "dsl/comment/comment.h"

#include <algorithm>

namespace dsl {

namespace {

// Constant-initialized, so it is there before any File is made.
constinit const comment::File* first = nullptr;

}  // namespace

namespace comment {

File::File(const Entry* entries, std::size_t count)
    : entries_(entries), count_(count), next_(first) {
  first = this;
}

}  // namespace comment

std::string_view comment_of(std::string_view full_name) {
  for (const comment::File* file = first; file != nullptr; file = file->next_) {
    const comment::Entry* end = file->entries_ + file->count_;
    const comment::Entry* found = std::lower_bound(
        file->entries_, end, full_name,
        [](const comment::Entry& entry, std::string_view name) { return entry.name < name; });
    if (found != end && found->name == full_name) {
      return found->text;
    }
  }
  return {};
}

}  // namespace dsl
