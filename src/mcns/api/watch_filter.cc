#include "mcns/api/watch_filter.h"

#include "dsl/env/address_bits.h"
#include "dsl/env/socket_address.h"
#include "mcns/api/fields.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;

bool matches_glob(std::string_view pattern, std::string_view text) {
  // Where to go on when what follows the last star does not fit.
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;
  std::size_t p = 0;
  std::size_t t = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && to_lower(pattern[p]) == to_lower(text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Result<WatchFilter> WatchFilter::parse(const pb::WatchRequest& request) {
  WatchFilter filter;
  if (request.changes() || request.queries()) {
    filter.changes_ = request.changes();
    filter.queries_ = request.queries();
  }
  if (!request.zone().empty()) {
    MC_ASSIGN(filter.zone_, absolute_name(request.zone(), "zone"));
  }
  filter.name_ = request.name();
  if (filter.name_.size() > 1 && filter.name_.ends_with('.')) {
    filter.name_.pop_back();
  }
  if (!request.client().empty()) {
    Result<Prefixes> clients = Prefixes::parse({request.client()});
    if (!clients) {
      return tl::unexpected(at_field(std::move(clients).error(), "client"));
    }
    filter.clients_ = std::move(*clients);
  }
  if (!request.rcode().empty()) {
    filter.rcode_ = parse_rcode(request.rcode());
    if (!filter.rcode_) {
      return tl::unexpected(
          at_field(fail(Code::kInvalidArgument, "\"{}\" is no response code", request.rcode())
                       .hint("NOERROR, NXDOMAIN, SERVFAIL, REFUSED, ..."),
                   "rcode"));
    }
  }
  return filter;
}

bool WatchFilter::wants_name(const Name& name) const {
  return name_.empty() || matches_glob(name_, zone_text(name));
}

bool WatchFilter::wants(const QueryEvent& event) const {
  if (!wants_name(event.name) || (rcode_ && *rcode_ != event.rcode)) {
    return false;
  }
  if (!clients_) {
    return true;
  }
  const auto client = dsl::env::parse_socket_address(dsl::env::join_host_port(event.client, 0));
  return client && clients_->contains(dsl::env::address_bits(client->raw()));
}

}  // namespace mcns::api
