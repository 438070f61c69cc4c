#include "standin/settings.h"

#include <array>
#include <charconv>
#include <optional>

#include <arpa/inet.h>

namespace standin {

const char kVersion[] =
    "mc-standin 1 (a stand-in; it is not the service whose name its image has)\n";

const char kHelp[] =
    "mc-standin: stands in for a service of the reference platform that does not exist yet.\n"
    "\n"
    "It answers health gates and does nothing else: no zone, image, certificate or file is\n"
    "served, and no data below /srv is read or written. Each image that holds it is replaced\n"
    "when the real service lands.\n"
    "\n"
    "Arguments are those of the real service and are ignored, except --help and --version.\n"
    "\n"
    "Environment:\n"
    "  STANDIN_SERVICE    name of the service it stands in for (required)\n"
    "  STANDIN_LISTEN     listeners, \"dns=0.0.0.0:53 https=0.0.0.0:8443\"; kinds:\n"
    "                     dns    authoritative for mcp.metacircular.net and\n"
    "                            svc.mcp.metacircular.net with the seed records, UDP and TCP\n"
    "                     https  GET /v1/health, /v2/ and / over TLS 1.3 with a certificate\n"
    "                            made at start; HTTP/2 by ALPN\n"
    "                     grpc   the same; grpc.health.v1.Health/Check says SERVING\n"
    "                     http   the same paths without TLS\n"
    "                     tcp    accepts and stays open\n"
    "                     auto   https or http, by the first byte\n"
    "                     Port 0 takes a free port.\n"
    "  PORT               one more listener, auto=0.0.0.0:$PORT\n"
    "  MC_SOCKETS         directory where the node's agent hands sockets over; each takes the "
    "place\n"
    "                     of the listeners of its kind, which is its name\n"
    "  STANDIN_FAIL_FILE  while this file exists every answer is a failure: 503, SERVFAIL,\n"
    "                     NOT_SERVING, tcp and auto connections close at once.\n"
    "                     Default /srv/$STANDIN_SERVICE/standin-fail\n"
    "  STANDIN_READY_FD   descriptor that gets each listener with its real port, then EOF\n";

namespace {

constexpr std::array<std::pair<std::string_view, Kind>, 6> kKinds{{
    {"dns", Kind::kDns},
    {"https", Kind::kHttps},
    {"grpc", Kind::kGrpc},
    {"http", Kind::kHttp},
    {"tcp", Kind::kTcp},
    {"auto", Kind::kAuto},
}};

constexpr std::size_t kListensMax = 16;

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

bool is_address(const std::string& host) {
  in6_addr scratch{};
  return ::inet_pton(host.find(':') == std::string::npos ? AF_INET : AF_INET6, host.c_str(),
                     &scratch) == 1;
}

tl::expected<Listen, std::string> parse_listen(std::string_view item) {
  const auto bad = [&](std::string_view why) {
    return tl::unexpected(std::string(why) + " in \"" + std::string(item) + "\"");
  };
  const auto equals = item.find('=');
  const auto colon = item.rfind(':');
  if (equals == std::string_view::npos || colon == std::string_view::npos || colon < equals) {
    return bad("want kind=address:port");
  }

  const std::optional<Kind> kind = kind_named(item.substr(0, equals));
  if (!kind) {
    return bad("want dns, https, grpc, http, tcp or auto");
  }

  std::string_view host = item.substr(equals + 1, colon - equals - 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (!is_address(std::string(host))) {
    return bad("want an IP address");
  }
  const auto port = parse_number<std::uint16_t>(item.substr(colon + 1));
  if (!port) {
    return bad("want a port from 0 to 65535");
  }
  return Listen{*kind, std::string(host), *port};
}

}  // namespace

std::string_view kind_name(Kind kind) {
  for (const auto& [name, value] : kKinds) {
    if (value == kind) {
      return name;
    }
  }
  return "?";
}

std::optional<Kind> kind_named(std::string_view name) {
  for (const auto& [known, value] : kKinds) {
    if (known == name) {
      return value;
    }
  }
  return std::nullopt;
}

std::string Listen::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return std::string(kind_name(kind)) + "=" + (v6 ? "[" + host + "]" : host) + ":" +
         std::to_string(port);
}

tl::expected<std::vector<Listen>, std::string> parse_listens(std::string_view text) {
  constexpr std::string_view kBlank = " ,\t\n";
  std::vector<Listen> listens;
  for (auto start = text.find_first_not_of(kBlank); start != std::string_view::npos;
       start = text.find_first_not_of(kBlank)) {
    text.remove_prefix(start);
    const std::string_view item = text.substr(0, text.find_first_of(kBlank));
    text.remove_prefix(item.size());

    auto listen = parse_listen(item);
    if (!listen) {
      return tl::unexpected(listen.error());
    }
    if (listens.size() == kListensMax) {
      return tl::unexpected(std::string("more than 16 listeners"));
    }
    listens.push_back(std::move(*listen));
  }
  return listens;
}

tl::expected<Settings, std::string> read_settings(const Environment& environment) {
  const auto get = [&](const char* name) -> std::string_view {
    const char* value = environment(name);
    return value == nullptr ? std::string_view{} : std::string_view{value};
  };

  Settings settings;
  settings.service = get("STANDIN_SERVICE");
  if (settings.service.empty()) {
    return tl::unexpected(std::string("STANDIN_SERVICE is not set"));
  }
  settings.fail_file = get("STANDIN_FAIL_FILE");
  if (settings.fail_file.empty()) {
    settings.fail_file = "/srv/" + settings.service + "/standin-fail";
  }

  auto listens = parse_listens(get("STANDIN_LISTEN"));
  if (!listens) {
    return tl::unexpected("STANDIN_LISTEN: " + listens.error());
  }
  settings.listens = std::move(*listens);

  if (const auto text = get("PORT"); !text.empty()) {
    const auto port = parse_number<std::uint16_t>(text);
    if (!port) {
      return tl::unexpected("PORT: want a port, have \"" + std::string(text) + "\"");
    }
    settings.listens.push_back(Listen{Kind::kAuto, "0.0.0.0", *port});
  }
  settings.sockets_dir = get("MC_SOCKETS");
  if (settings.listens.empty()) {
    return tl::unexpected(std::string("nothing to listen on: set STANDIN_LISTEN or PORT"));
  }

  if (const auto text = get("STANDIN_READY_FD"); !text.empty()) {
    const auto fd = parse_number<int>(text);
    if (!fd || *fd < 0) {
      return tl::unexpected("STANDIN_READY_FD: want a descriptor, have \"" + std::string(text) +
                            "\"");
    }
    settings.ready_fd = *fd;
  }
  return settings;
}

}  // namespace standin
