// The gate of a component: as written, or chosen by what the component listens on.
#include <algorithm>
#include <array>

#include "mcp/model/resolve_parts.h"
#include "mcp/model/words.h"

namespace mcp::model {

namespace {

constexpr std::array<std::uint16_t, 2> kHttpsPorts = {8443, 443};
constexpr std::array<std::uint16_t, 2> kHttpPorts = {8080, 80};
constexpr std::array<std::uint16_t, 1> kGrpcPorts = {9443};
constexpr std::array<std::uint16_t, 1> kDnsPorts = {53};
// What has no gate must at least not fall over at once.
constexpr std::chrono::milliseconds kNoneStartPeriod{3000};

bool covers(std::uint16_t first, std::uint16_t count, std::uint16_t number) {
  return number >= first && number - first < count;
}

// Where a listener of the component is seen: a fixed host port, or 0 for a route's allocated one.
struct Listener {
  std::uint16_t host = 0;
};

class HealthResolver {
 public:
  HealthResolver(ResolveScope& scope, const Service& service, const TomlValue& table,
                 Component& component)
      : scope_(scope),
        service_(service),
        component_(component),
        addresses_(host_addresses(component)) {
    static const TomlValue kNone;
    const TomlValue* written = table.find("health");
    table_ = written != nullptr ? written : &kNone;
    where_ = written != nullptr ? written->position : table.position;
  }

  void run() {
    health_.type = read_text(*table_, "type", derived_type());
    if (health_.type == "none") {
      health_.start_period = kNoneStartPeriod;
    }
    port();
    texts();
    health_.interval = read_duration(*table_, "interval", health_.interval);
    health_.timeout = read_duration(*table_, "timeout", health_.timeout);
    health_.start_period = read_duration(*table_, "start_period", health_.start_period);
    health_.deadline = read_duration(*table_, "deadline", health_.deadline);
    health_.successes = static_cast<int>(read_integer(*table_, "successes", health_.successes));
    if (health_.type == "exec" && health_.cmd.empty()) {
      scope_.problems.add(where_, "an exec gate needs `cmd`");
    }
    component_.health = health_;
  }

 private:
  bool on_host() const { return component_.network == "host"; }

  // The published fixed port or the socket in front of one of `numbers`, else a route that targets
  // one.
  template <std::size_t N>
  std::optional<Listener> listener(const std::array<std::uint16_t, N>& numbers,
                                   std::string_view protocol) const {
    for (const std::uint16_t number : numbers) {
      for (const Port& port : addresses_) {
        if (port.protocol == protocol && covers(port.container, port.count, number)) {
          return Listener{static_cast<std::uint16_t>(port.host + (number - port.container))};
        }
      }
      for (const Route& route : component_.routes) {
        if (protocol == "tcp" && route.target == number) {
          return Listener{on_host() ? number : std::uint16_t{0}};
        }
      }
    }
    return std::nullopt;
  }

  std::optional<Listener> first_tcp() const {
    for (const Port& port : addresses_) {
      if (port.protocol == "tcp") {
        return Listener{port.host};
      }
    }
    if (component_.routes.empty()) {
      return std::nullopt;
    }
    return Listener{on_host() ? component_.routes.front().target : std::uint16_t{0}};
  }

  // A server of DNS is asked for names, whatever else it publishes.
  std::string derived_type() const {
    if (listener(kDnsPorts, "udp")) {
      return "dns";
    }
    if (listener(kHttpsPorts, "tcp")) {
      return "https";
    }
    return first_tcp() ? "tcp" : "none";
  }

  std::optional<Listener> fitting() const {
    std::optional<Listener> found;
    if (health_.type == "dns") {
      found = listener(kDnsPorts, "udp");
      return found ? found : listener(kDnsPorts, "tcp");
    }
    if (health_.type == "https") {
      found = listener(kHttpsPorts, "tcp");
    } else if (health_.type == "http") {
      found = listener(kHttpPorts, "tcp");
    } else if (health_.type == "grpc") {
      found = listener(kGrpcPorts, "tcp");
    }
    return found ? found : first_tcp();
  }

  void port() {
    if (health_.type == "none" || health_.type == "exec") {
      return;
    }
    if (table_->find("port") != nullptr) {
      written_port(static_cast<std::uint16_t>(read_integer(*table_, "port", 0)));
    } else if (const auto found = fitting()) {
      // A dns gate asks at each published 53, of which there is one for each address.
      health_.port = health_.type == "dns" ? std::uint16_t{0} : found->host;
      add_offset();
    } else {
      scope_.problems.add(where_,
                          dsl::text("the {} gate of \"{}\" needs `port`: nothing fitting is "
                                    "published",
                                    health_.type, component_.name));
    }
  }

  void written_port(std::uint16_t number) {
    health_.port = number;
    if (on_host()) {
      add_offset();
      return;
    }
    const std::string_view wanted = health_.type == "dns" ? "" : "tcp";
    const auto fits = [&](const Port& port) { return wanted.empty() || port.protocol == wanted; };
    for (const Port& port : addresses_) {
      if (fits(port) && covers(port.host, port.count, number)) {
        add_offset();
        return;
      }
    }
    for (const Port& port : addresses_) {
      if (fits(port) && covers(port.container, port.count, number)) {
        health_.port = static_cast<std::uint16_t>(port.host + (number - port.container));
        add_offset();
        return;
      }
    }
    const bool routed = std::any_of(component_.routes.begin(), component_.routes.end(),
                                    [&](const Route& route) { return route.target == number; });
    if (!routed) {
      scope_.problems.add(
          position_of(*table_, "port"),
          dsl::text("health port {} is neither published nor a route's target", number));
    }
  }

  void add_offset() {
    if (health_.port == 0) {
      return;
    }
    const int moved = health_.port + scope_.platform.port_offset;
    if (moved > 65535) {
      scope_.problems.add(where_, dsl::text("health port {} plus the platform's offset {} is above "
                                            "65535",
                                            health_.port, scope_.platform.port_offset));
      return;
    }
    health_.port = static_cast<std::uint16_t>(moved);
  }

  void texts() {
    const bool http = health_.type == "http" || health_.type == "https";
    health_.path = read_text(*table_, "path", http ? "/v1/health" : "");
    health_.host = read_text(*table_, "host", http || health_.type == "grpc" ? host() : "");
    health_.query =
        read_text(*table_, "query", health_.type == "dns" ? scope_.platform.service_zone : "");
    health_.expect = read_text(*table_, "expect", "");
    health_.method = read_text(*table_, "method", health_.method);
    health_.cmd = read_texts(*table_, "cmd");
    health_.service = read_text(*table_, "service", "");
    health_.tls = read_text(*table_, "tls", health_.tls);
  }

  std::string host() const {
    return component_.routes.empty() ? service_.name + "." + scope_.platform.service_zone
                                     : component_.routes.front().hostnames.front();
  }

  ResolveScope& scope_;
  const Service& service_;
  Component& component_;
  const std::vector<Port> addresses_;  // without the platform's offset
  const TomlValue* table_ = nullptr;
  dsl::config::Position where_;
  Health health_;
};

}  // namespace

void resolve_health(ResolveScope& scope, const Service& service, const TomlValue& table,
                    Component& component) {
  HealthResolver(scope, service, table, component).run();

  const std::vector<const TomlValue*> written = read_tables(table, "routes");
  for (std::size_t i = 0; i < component.routes.size(); ++i) {
    Route& route = component.routes[i];
    if (i < written.size() && written[i]->find("backend_tls") == nullptr) {
      route.backend_tls = route.mode == "l7" && component.health.type == "https";
    }
    // On the host network the target is a host port.
    if (component.network == "host" && route.target != 0) {
      route.target =
          static_cast<std::uint16_t>(std::min(65535, route.target + scope.platform.port_offset));
    }
  }
  for (Socket& socket : component.sockets) {
    socket.host = static_cast<std::uint16_t>(socket.host + scope.platform.port_offset);
  }
  for (Port& port : component.ports) {
    port.host = static_cast<std::uint16_t>(port.host + scope.platform.port_offset);
  }
}

}  // namespace mcp::model
