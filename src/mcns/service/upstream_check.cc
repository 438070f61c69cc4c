#include "mcns/service/upstream_check.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dsl/result/text.h"
#include "mcns/forward/tls_contexts.h"

namespace mcns {
namespace {

using dsl::Result;
using dsl::config::Origin;

// Where the parts of a group were written.
struct Places {
  Origin zone;
  Origin upstreams;
  Origin fallback;
  Origin ca_cert;
};

Places places_of(const Config::Forward& forward, const Config::Origins& origins) {
  const Origin& file = origins.forwards;
  return {.zone = file.inside(forward.zone_at),
          .upstreams = file.inside(forward.upstreams_at),
          .fallback = file.inside(forward.fallback_at),
          .ca_cert = forward.ca_cert ? file.inside(forward.ca_cert_at) : origins.ca_cert};
}

Places places_of_shorthand(const Config::Origins& origins) {
  return {.zone = origins.upstreams,
          .upstreams = origins.upstreams,
          .fallback = origins.fallback_upstreams,
          .ca_cert = origins.ca_cert};
}

class Check {
 public:
  Check(dsl::env::Env& env, const OwnAddresses& own) : own_(own), authorities_(env) {}

  void look_at(const ForwardGroup& group, const Places& places) {
    const auto [former, is_first] = zones_.emplace(group.zone.lower(), places.zone);
    if (!is_first) {
      note(places.zone,
           dsl::text("the zone {} has a group already, at {} ({})", group.zone.text(),
                     former->second.shown(),
                     group.zone == Name() ? "dns.upstreams is one, for all names; [] is none"
                                          : "one group may have several upstreams"));
    }
    look_at_each(group, group.upstreams, places.upstreams, places.ca_cert);
    look_at_each(group, group.fallback, places.fallback, places.ca_cert);
  }

  Result<void> verdict() const {
    if (found_.empty()) {
      return {};
    }
    dsl::Error error(dsl::Code::kInvalidArgument,
                     dsl::text("the configuration of mcns has {} problem{} with upstreams",
                               found_.size(), found_.size() == 1 ? "" : "s"));
    for (const dsl::Detail& each : found_) {
      error.add_detail(each.where, each.message);
    }
    error.set_hint("mcns check-config tells what is left when these are mended");
    return tl::unexpected(std::move(error));
  }

 private:
  // One by one: a group is found wrong at its first mistake.
  void look_at_each(const ForwardGroup& group, const std::vector<Upstream>& upstreams,
                    const Origin& place, const Origin& ca_cert) {
    for (const Upstream& upstream : upstreams) {
      const ForwardGroup alone{.zone = group.zone, .upstreams = {upstream}};
      note_error(place, check_groups({alone}, own_));
      if (upstream.has_tls() && authorities_seen_.emplace(upstream.ca_cert).second) {
        note_error(ca_cert, authorities_of(alone));
      }
    }
  }

  Result<void> authorities_of(const ForwardGroup& group) {
    auto contexts = authorities_.contexts({group});
    if (contexts) {
      return {};
    }
    dsl::Error error = std::move(contexts).error();
    if (error.hint().empty()) {
      error.set_hint(
          "ca_cert is a file of PEM certificates; empty = the authorities of the system");
    }
    return tl::unexpected(std::move(error));
  }

  void note_error(const Origin& place, const Result<void>& looked) {
    if (looked) {
      return;
    }
    const dsl::Error& error = looked.error();
    note(place, error.hint().empty() ? error.message()
                                     : dsl::text("{} ({})", error.message(), error.hint()));
  }

  void note(const Origin& place, std::string message) {
    found_.push_back({place.shown(), std::move(message)});
  }

  const OwnAddresses& own_;
  TlsAuthorities authorities_;
  std::map<Bytes, Origin> zones_;
  std::set<std::string> authorities_seen_;
  std::vector<dsl::Detail> found_;
};

}  // namespace

Result<void> check_upstreams(dsl::env::Env& env, const Config& config, const OwnAddresses& own) {
  Check check(env, own);
  const std::vector<ForwardGroup> groups = config.forward_groups();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    check.look_at(groups[i], i < config.forwards.size()
                                 ? places_of(config.forwards[i], config.origins)
                                 : places_of_shorthand(config.origins));
  }
  return check.verdict();
}

}  // namespace mcns
