// Which events a watcher wants.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mcns/events/query_events.h"
#include "mcns/resolve/prefixes.h"
#include "mcns/v1/watch.pb.h"

namespace mcns::api {

namespace pb = mcns::v1;

// Whether `pattern` describes all of `text`: "*" is any text, letters in any case.
bool matches_glob(std::string_view pattern, std::string_view text);

// A value; constant once made.
class WatchFilter {
 public:
  // kInvalidArgument names the field.
  static dsl::Result<WatchFilter> parse(const pb::WatchRequest& request);

  bool wants_changes() const { return changes_; }
  bool wants_queries() const { return queries_; }
  bool wants_zone(const Name& origin) const { return !zone_ || *zone_ == origin; }
  bool wants_name(const Name& name) const;
  bool wants(const QueryEvent& event) const;

 private:
  bool changes_ = true;
  bool queries_ = true;
  std::optional<Name> zone_;
  std::string name_;  // empty: all
  std::optional<Prefixes> clients_;
  std::optional<Rcode> rcode_;
};

}  // namespace mcns::api
