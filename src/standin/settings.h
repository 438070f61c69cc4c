// What a stand-in is told: everything by environment, since its arguments are the real service's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace standin {

// What answers on a listener.
enum class Kind {
  kDns,    // UDP and TCP on the same port
  kHttps,  // TLS; HTTP/2 or HTTP/1.1 by ALPN
  kGrpc,   // the same as kHttps; named so that a listen line says what it is for
  kHttp,   // HTTP/1.1
  kTcp,    // accepts and stays open; what is sent to it is dropped
  kAuto,   // TLS when the first byte is a TLS record's, else HTTP/1.1
};

std::string_view kind_name(Kind kind);
std::optional<Kind> kind_named(std::string_view name);

struct Listen {
  Kind kind;
  std::string host;  // an IP literal
  std::uint16_t port;

  bool operator==(const Listen&) const = default;
  std::string text() const;  // "https=127.0.0.1:8443"
};

struct Settings {
  std::string service;
  std::string fail_file;
  std::vector<Listen> listens;
  std::string sockets_dir;  // where the agent hands sockets over; empty = nowhere
  int ready_fd = -1;        // gets one line a listener with its real port, then is closed
};

// Reads "dns=0.0.0.0:53 https=[::]:8443" (blanks or commas between). The error is a sentence.
tl::expected<std::vector<Listen>, std::string> parse_listens(std::string_view text);

// Looks up one environment variable; null when it is not set.
using Environment = std::function<const char*(const char* name)>;
tl::expected<Settings, std::string> read_settings(const Environment& environment);

extern const char kHelp[];
extern const char kVersion[];

}  // namespace standin
