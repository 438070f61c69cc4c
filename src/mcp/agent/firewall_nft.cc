// The rules as `nft -j list ruleset` prints them (libnftables-json(5)).
#include <boost/json.hpp>

#include "mcp/agent/firewall.h"

namespace mcp::agent {

namespace json = boost::json;
using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::size_t kObjectsMax = 100000;

const json::object* object_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? &value->get_object() : nullptr;
}

std::string string_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

std::string chain_key(const json::object& object, const std::string& name) {
  return text("{} {} {}", string_at(object, "family"), string_at(object, "table"), name);
}

}  // namespace

class NftReader {
 public:
  using Match = Firewall::Match;
  using Verdict = Firewall::Verdict;

  explicit NftReader(Firewall& out) : out_(out) {}

  void read(const json::array& objects) {
    for (const json::value& value : objects) {
      if (value.is_object()) {
        remember_set(value.get_object());
      }
    }
    std::size_t count = 0;
    for (const json::value& value : objects) {
      if (!value.is_object() || ++count > kObjectsMax) {
        continue;
      }
      if (const json::object* chain = object_at(value.get_object(), "chain")) {
        add_chain(*chain);
      } else if (const json::object* rule = object_at(value.get_object(), "rule")) {
        add_rule(*rule);
      }
    }
  }

 private:
  // IPv4 and both: what the platform publishes is dialled by IPv4 literals.
  static bool is_seen(const json::object& object) {
    const std::string family = string_at(object, "family");
    return family == "ip" || family == "inet";
  }

  void remember_set(const json::object& wrapped) {
    const json::object* set = object_at(wrapped, "set");
    const json::value* elements = set != nullptr ? set->if_contains("elem") : nullptr;
    if (elements != nullptr && elements->is_array()) {
      sets_[text("{} {} {}", string_at(*set, "family"), string_at(*set, "table"),
                 string_at(*set, "name"))] = *elements;
    }
  }

  void add_chain(const json::object& chain) {
    const std::string key = chain_key(chain, string_at(chain, "name"));
    if (!is_seen(chain)) {
      return;
    }
    out_.chains_[key];
    if (string_at(chain, "hook") == "input" && string_at(chain, "type") == "filter") {
      out_.bases_.push_back({key, string_at(chain, "policy") == "drop"});
    }
  }

  void add_rule(const json::object& object) {
    const json::value* parts = object.if_contains("expr");
    if (!is_seen(object) || parts == nullptr || !parts->is_array()) {
      return;
    }
    Firewall::Rule rule;
    std::vector<Firewall::Rule>& chain =
        out_.chains_[chain_key(object, string_at(object, "chain"))];
    for (const json::value& part : parts->get_array()) {
      if (part.is_object() && !part.get_object().empty()) {
        add_part(object, part.get_object(), rule, chain);
      }
    }
    chain.push_back(std::move(rule));
  }

  void add_part(const json::object& owner, const json::object& part, Firewall::Rule& rule,
                std::vector<Firewall::Rule>& chain) {
    const std::string kind(part.begin()->key());
    if (kind == "match") {
      if (const json::object* match = object_at(part, "match")) {
        rule.conditions.push_back(condition(owner, *match));
      }
    } else if (kind == "vmap") {
      if (const json::object* map = object_at(part, "vmap")) {
        add_map(owner, *map, rule, chain);
      }
    } else if (kind == "xt" || kind == "limit" || kind == "lookup") {
      rule.conditions.push_back([](const WantedPort&) { return Match::kMaybe; });
    } else {
      set_verdict(owner, part, rule);
    }
  }

  static void set_verdict(const json::object& owner, const json::object& part,
                          Firewall::Rule& rule) {
    const std::string kind(part.begin()->key());
    if (kind == "accept") {
      rule.verdict = Verdict::kAccept;
    } else if (kind == "drop" || kind == "reject") {
      rule.verdict = Verdict::kDrop;
    } else if (kind == "return") {
      rule.verdict = Verdict::kReturn;
    } else if (kind == "jump" || kind == "goto") {
      const json::object* jump = object_at(part, kind);
      rule.verdict = Verdict::kJump;
      rule.target = chain_key(owner, jump != nullptr ? string_at(*jump, "target") : "");
    }
  }

  // dport vmap { 22 : accept, 80 : jump web }: a rule for each of its elements.
  void add_map(const json::object& owner, const json::object& map, const Firewall::Rule& before,
               std::vector<Firewall::Rule>& chain) {
    const json::value* key = map.if_contains("key");
    const json::object* data = object_at(map, "data");
    const json::value* elements = data != nullptr ? data->if_contains("set") : nullptr;
    if (key == nullptr || elements == nullptr || !elements->is_array()) {
      return;
    }
    for (const json::value& element : elements->get_array()) {
      const bool pair = element.is_array() && element.get_array().size() == 2 &&
                        element.get_array()[1].is_object() &&
                        !element.get_array()[1].get_object().empty();
      if (!pair) {
        continue;
      }
      Firewall::Rule rule = before;
      rule.conditions.push_back(
          condition(owner, {{"op", "=="}, {"left", *key}, {"right", element.get_array()[0]}}));
      set_verdict(owner, element.get_array()[1].get_object(), rule);
      chain.push_back(std::move(rule));
    }
  }

  // Named sets are put in place of their names.
  json::value resolved(const json::object& owner, const json::value& right) const {
    if (right.is_string() && right.get_string().starts_with("@")) {
      const auto set = sets_.find(chain_key(owner, std::string(right.get_string()).substr(1)));
      if (set != sets_.end()) {
        return {{"set", set->second}};
      }
    }
    return right;
  }

  Firewall::Condition condition(const json::object& owner, const json::object& match) const {
    const json::object* left = object_at(match, "left");
    const json::value* value = match.if_contains("right");
    const bool negated = string_at(match, "op") == "!=";
    const json::value right = value != nullptr ? resolved(owner, *value) : json::value();
    const auto decide = [left_side = left != nullptr ? *left : json::object(),
                         right](const WantedPort& port) { return compare(left_side, right, port); };
    return [decide, negated](const WantedPort& port) {
      const Match found = decide(port);
      return !negated || found == Match::kMaybe ? found
             : found == Match::kHit             ? Match::kMiss
                                                : Match::kHit;
    };
  }

  static Match compare(const json::object& left, const json::value& right, const WantedPort& port) {
    if (const json::object* payload = object_at(left, "payload")) {
      const std::string protocol = string_at(*payload, "protocol");
      const std::string field = string_at(*payload, "field");
      if (protocol == "tcp" || protocol == "udp" || protocol == "th") {
        if (protocol != "th" && protocol != port.protocol) {
          return Match::kMiss;
        }
        return field == "dport" ? yes_if(holds(right, std::int64_t{port.port})) : Match::kMaybe;
      }
      if (protocol.starts_with("icmp")) {
        return Match::kMiss;
      }
      if (field == "protocol") {
        return yes_if(holds(right, port.protocol));
      }
      if (field == "daddr" && !port.ip.empty() && right.is_string()) {
        return yes_if(holds(right, port.ip));
      }
      return Match::kMaybe;
    }
    if (const json::object* meta = object_at(left, "meta")) {
      const std::string key = string_at(*meta, "key");
      if (key == "l4proto") {
        return yes_if(holds(right, port.protocol));
      }
      // What comes from outside does not come by lo.
      if ((key == "iif" || key == "iifname") && holds(right, std::string("lo"))) {
        return Match::kMiss;
      }
      return Match::kMaybe;
    }
    if (const json::object* ct = object_at(left, "ct")) {
      return string_at(*ct, "key") == "state" ? yes_if(holds(right, std::string("new")))
                                              : Match::kMaybe;
    }
    return Match::kMaybe;
  }

  static Match yes_if(bool holds) { return holds ? Match::kHit : Match::kMiss; }

  // A value, a range, or a set (or bare list) of these.
  template <class T>
  static bool holds(const json::value& right, const T& wanted) {
    if (right.is_array()) {
      for (const json::value& each : right.get_array()) {
        if (holds(each, wanted)) {
          return true;
        }
      }
      return false;
    }
    if (right.is_object()) {
      const json::object& object = right.get_object();
      if (const json::value* set = object.if_contains("set")) {
        return holds(*set, wanted);
      }
      if (const json::object* element = object_at(object, "elem")) {
        const json::value* value = element->if_contains("val");
        return value != nullptr && holds(*value, wanted);
      }
      const json::value* range = object.if_contains("range");
      if constexpr (std::is_integral_v<T>) {
        const bool bounds = range != nullptr && range->is_array() &&
                            range->get_array().size() == 2 && range->get_array()[0].is_int64() &&
                            range->get_array()[1].is_int64();
        return bounds && range->get_array()[0].get_int64() <= wanted &&
               wanted <= range->get_array()[1].get_int64();
      }
      return false;
    }
    if constexpr (std::is_integral_v<T>) {
      return (right.is_int64() && right.get_int64() == wanted) ||
             (right.is_string() && wanted == 53 && right.get_string() == "domain");
    } else {
      return right.is_string() && right.get_string() == wanted;
    }
  }

  Firewall& out_;
  std::map<std::string, json::value> sets_;
};

dsl::Result<Firewall> Firewall::from_nft(std::string_view text) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  const json::value* objects =
      !error && document.is_object() ? document.get_object().if_contains("nftables") : nullptr;
  if (objects == nullptr || !objects->is_array()) {
    return fail(Code::kInvalidArgument, "not the JSON of `nft -j list ruleset`");
  }
  Firewall out;
  out.nft_ = true;
  NftReader(out).read(objects->get_array());
  return out;
}

}  // namespace mcp::agent
