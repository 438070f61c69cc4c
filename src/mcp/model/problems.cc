#include "mcp/model/problems.h"

#include <algorithm>
#include <utility>

#include "dsl/config/nearest.h"

namespace mcp::model {

void Problems::add(dsl::config::Position where, const char* id, std::string message) {
  if (where.line == 0) {
    where = {1, 1};  // the document as a whole
  }
  if (found_.size() < kMax) {
    found_.push_back({where, id, std::move(message)});
  }
}

dsl::Error Problems::to_error() const {
  MC_ASSERT(!found_.empty(), "an error needs a problem");
  std::vector<Problem> sorted = found_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Problem& a, const Problem& b) {
    return std::pair(a.where.line, a.where.column) < std::pair(b.where.line, b.where.column);
  });

  const std::string_view first = sorted.front().id;
  const bool same =
      std::all_of(sorted.begin(), sorted.end(), [&](const Problem& p) { return p.id == first; });
  dsl::Error error(dsl::Code::kInvalidArgument,
                   sorted.size() == 1 ? dsl::text("{}: {}", dsl::config::at(file_, sorted[0].where),
                                                  sorted[0].message)
                                      : dsl::text("{} has {} problems", file_, sorted.size()));
  error.set_id(same ? std::string(first) : code::kDefinitionInvalid);
  for (const Problem& problem : sorted) {
    error.add_detail(dsl::config::at(file_, problem.where),
                     same ? problem.message : dsl::text("[{}] {}", problem.id, problem.message));
  }
  return error;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  if (const std::string near = dsl::config::nearest(word, known); !near.empty()) {
    return dsl::text(", did you mean `{}`?", near);
  }
  std::string list;
  for (const std::string& name : known) {
    list += (list.empty() ? "`" : ", `") + name + "`";
  }
  return list.empty() ? "" : "; known are " + list;
}

}  // namespace mcp::model
