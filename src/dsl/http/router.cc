#include <algorithm>
#include <array>
#include <set>

#include "dsl/http/message.h"
#include "dsl/http/server.h"
#include "dsl/http/target_path.h"

namespace dsl::http {

namespace {

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty() && path.front() == '/') {
    path.remove_prefix(1);
    segments.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(segments.back().size());
  }
  return segments;
}

enum class Kind { kExact, kParam, kRest };

Kind kind_of(std::string_view segment) {
  if (segment.size() < 2 || segment.front() != '{' || segment.back() != '}') {
    return Kind::kExact;
  }
  return segment.ends_with("...}") ? Kind::kRest : Kind::kParam;
}

std::string_view name_of(std::string_view segment) {
  segment = segment.substr(1, segment.size() - 2);
  return segment.ends_with("...") ? segment.substr(0, segment.size() - 3) : segment;
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  });
}

// The pattern with its names taken out: equal shapes match the same paths.
std::string shape_of(std::string_view pattern) {
  std::string shape;
  for (const std::string_view segment : segments_of(pattern)) {
    const Kind kind = kind_of(segment);
    shape += '/';
    shape += kind == Kind::kExact ? segment : kind == Kind::kParam ? "{}" : "{...}";
  }
  return shape;
}

std::string pattern_fault(std::string_view pattern) {
  const auto segments = segments_of(pattern);
  if (segments.empty()) {
    return "does not begin with '/'";
  }
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Kind kind = kind_of(segments[i]);
    if (kind == Kind::kExact) {
      if (segments[i].find_first_of("{}") != std::string_view::npos) {
        return "has braces that are not a whole segment";
      }
      continue;
    }
    const std::string_view name = name_of(segments[i]);
    if (!is_name(name) || !names.insert(name).second) {
      return "has a bad or repeated name in braces";
    }
    if (kind == Kind::kRest && i + 1 != segments.size()) {
      return "has {name...} before its end";
    }
  }
  return "";
}

bool serves(const Route& route, std::string_view method) {
  return route.method == method || (method == "HEAD" && route.method == "GET");
}

}  // namespace

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> exact;
  std::unique_ptr<Node> param;
  std::vector<std::size_t> ends;   // routes whose pattern ends here
  std::vector<std::size_t> rests;  // routes that take what is left of the path
};

namespace {

// What the search of one request has found so far.
struct Search {
  std::vector<std::string> segments;  // decoded
  std::string_view method;
  std::set<std::string> allowed;
};

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Route route) {
  Node* node = root_.get();
  const std::size_t index = routes_.size();
  bool rest = false;
  for (const std::string_view segment : segments_of(route.pattern)) {
    if (kind_of(segment) == Kind::kRest) {
      node->rests.push_back(index);
      rest = true;
      break;
    }
    auto& next = kind_of(segment) == Kind::kParam ? node->param : node->exact[std::string(segment)];
    if (!next) {
      next = std::make_unique<Node>();
    }
    node = next.get();
  }
  if (!rest) {
    node->ends.push_back(index);
  }
  routes_.push_back(std::move(route));
}

Result<void> Router::check() const {
  Error error = fail(Code::kInvalidArgument, "the routes are not in order");
  std::map<std::string, std::string> seen;  // "GET /shape" -> pattern
  for (const Route& route : routes_) {
    const std::string name = text("{} {}", route.method, route.pattern);
    if (const std::string fault = pattern_fault(route.pattern); !fault.empty()) {
      error.add_detail(name, text("the pattern {}", fault));
    }
    if (!is_token(route.method)) {
      error.add_detail(name, "the method is not a word");
    }
    if (route.access == Access::kUnset) {
      error.add_detail(name, "no access is set; public ones say so, too");
    }
    if (!route.handle) {
      error.add_detail(name, "no handler is set");
    }
    const auto [at, added] =
        seen.emplace(text("{} {}", route.method, shape_of(route.pattern)), route.pattern);
    if (!added) {
      error.add_detail(name, text("matches the same requests as {}", at->second));
    }
  }
  if (!error.details().empty()) {
    return fail(std::move(error));
  }
  return {};
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  Search search{{}, method, {}};
  for (const std::string_view segment : segments_of(path)) {
    if (!percent_decode(segment, search.segments.emplace_back())) {
      return {};
    }
  }
  Match match;
  // The first route among `candidates` that takes the method; the others add to what is allowed.
  const auto pick = [&](const std::vector<std::size_t>& candidates) {
    for (const std::size_t index : candidates) {
      if (serves(routes_[index], method)) {
        match.route = &routes_[index];
        return true;
      }
      search.allowed.insert(routes_[index].method);
    }
    return false;
  };
  // Most specific first; goes back when that leads nowhere. The depth is that of the patterns.
  const auto walk = [&](const auto& self, const Node& node, std::size_t at) -> bool {
    if (at == search.segments.size()) {
      return pick(node.ends);
    }
    const std::string& segment = search.segments[at];
    if (const auto next = node.exact.find(segment);
        next != node.exact.end() && self(self, *next->second, at + 1)) {
      return true;
    }
    if (node.param && !segment.empty() && self(self, *node.param, at + 1)) {
      return true;
    }
    return pick(node.rests);
  };

  if (walk(walk, *root_, 0)) {
    const auto pattern = segments_of(match.route->pattern);
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (kind_of(pattern[i]) == Kind::kParam) {
        match.params.emplace(name_of(pattern[i]), std::move(search.segments[i]));
      } else if (kind_of(pattern[i]) == Kind::kRest) {
        std::string rest = std::move(search.segments[i]);
        for (std::size_t j = i + 1; j < search.segments.size(); ++j) {
          rest += '/' + search.segments[j];
        }
        match.params.emplace(name_of(pattern[i]), std::move(rest));
      }
    }
    return match;
  }
  if (search.allowed.count("GET") > 0) {
    search.allowed.insert("HEAD");
  }
  for (const std::string& each : search.allowed) {
    match.allowed += (match.allowed.empty() ? "" : ", ") + each;
  }
  return match;
}

}  // namespace dsl::http
