#include "mcp/model/words.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "dsl/config/units.h"

namespace mcp::model {

namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::size_t kNameMax = 63;
constexpr std::size_t kRuntimeNameMax = 128;
constexpr std::size_t kTagMax = 128;
constexpr std::size_t kReferenceMax = 512;
constexpr std::size_t kPathMax = 4096;  // PATH_MAX

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alphanumeric(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }
bool is_word(char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

std::optional<std::uint16_t> port_number(std::string_view text) {
  unsigned value = 0;
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value == 0 || value > 65535) {
    return std::nullopt;
  }
  return static_cast<std::uint16_t>(value);
}

struct Range {
  std::uint16_t first = 0;
  std::uint16_t count = 1;
};

std::optional<Range> port_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = port_number(text.substr(0, dash));
  if (!first || dash == std::string_view::npos) {
    return first ? std::optional<Range>({*first, 1}) : std::nullopt;
  }
  const auto last = port_number(text.substr(dash + 1));
  if (!last || *last < *first) {
    return std::nullopt;
  }
  return Range{*first, static_cast<std::uint16_t>(*last - *first + 1)};
}

std::string format_range(std::uint16_t first, std::uint16_t count) {
  return count == 1 ? std::to_string(first) : dsl::text("{}-{}", first, first + count - 1);
}

bool is_path_component(std::string_view text) {
  return !text.empty() && is_lower_or_digit(text.front()) && is_lower_or_digit(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_lower_or_digit(c) || c == '_' || c == '.' || c == '-';
         });
}

bool is_registry_host(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_word(c) || c == ':' || c == '[' || c == ']';
  });
}

bool is_repository(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view first = text.substr(0, slash);
    const bool host = first.find_first_of(".:[") != std::string_view::npos || first == "localhost";
    if (host) {
      return is_registry_host(first) && is_repository(text.substr(slash + 1));
    }
  }
  while (true) {
    const std::size_t end = text.find('/');
    if (!is_path_component(text.substr(0, end))) {
      return false;
    }
    if (end == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(end + 1);
  }
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameMax && is_lower_or_digit(text.front()) &&
         is_lower_or_digit(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return is_lower_or_digit(c) || c == '-';
         });
}

bool is_runtime_name(std::string_view text) {
  return !text.empty() && text.size() <= kRuntimeNameMax && is_alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(), is_word);
}

bool is_image_tag(std::string_view text) {
  return !text.empty() && text.size() <= kTagMax && text.front() != '.' && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), is_word);
}

std::optional<ImageReference> parse_image(std::string_view text) {
  if (text.size() > kReferenceMax) {
    return std::nullopt;
  }
  ImageReference reference;
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    reference.digest = text.substr(at + 1);
    text = text.substr(0, at);
    const std::string_view prefix = "sha256:";
    const std::string_view hex =
        std::string_view(reference.digest).substr(std::min(prefix.size(), reference.digest.size()));
    if (!reference.digest.starts_with(prefix) || hex.size() != 64 ||
        !std::all_of(hex.begin(), hex.end(), is_hex)) {
      return std::nullopt;
    }
  }
  // A colon after the last slash begins the tag; one before it is the registry's port.
  const std::size_t slash = text.rfind('/');
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    reference.tag = text.substr(colon + 1);
    text = text.substr(0, colon);
    if (!is_image_tag(reference.tag)) {
      return std::nullopt;
    }
  }
  if (!is_repository(text)) {
    return std::nullopt;
  }
  reference.repository = text;
  return reference;
}

Result<Port> parse_port(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::kInvalidArgument, "port \"{}\": {}", text, why);
  };
  Port port;
  std::string_view rest = text;
  if (const std::size_t slash = rest.rfind('/'); slash != std::string_view::npos) {
    port.protocol = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
    if (port.protocol != "tcp" && port.protocol != "udp") {
      return refuse("the protocol is tcp or udp");
    }
  }
  const std::size_t last = rest.rfind(':');
  if (last == std::string_view::npos) {
    return refuse("a host and a container port are needed, as in 8080:8080");
  }
  const auto container = port_range(rest.substr(last + 1));
  rest = rest.substr(0, last);
  const std::size_t before = rest.rfind(':');
  const auto host = port_range(before == std::string_view::npos ? rest : rest.substr(before + 1));
  if (!host || !container) {
    return refuse("a port is a number from 1 to 65535, or a range a-b");
  }
  if (host->count != container->count) {
    return refuse("both ranges must have the same length");
  }
  if (before != std::string_view::npos) {
    std::string_view address = rest.substr(0, before);
    const bool bracketed = address.starts_with('[') && address.ends_with(']');
    if (bracketed) {
      address = address.substr(1, address.size() - 2);
    }
    const bool v6 = address.find(':') != std::string_view::npos;
    if (v6 != bracketed || address.empty()) {
      return refuse(v6 ? "an IPv6 address stands in brackets" : "the address is malformed");
    }
    if (!address.starts_with('@') && !dsl::config::is_address(address)) {
      return refuse("the address must be a literal or an @label");
    }
    port.host_ip = address;
  }
  port.host = host->first;
  port.container = container->first;
  port.count = host->count;
  return port;
}

Result<Socket> parse_listen(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::kInvalidArgument, "listen \"{}\": {}", text, why);
  };
  const std::size_t first = text.find(':');
  Socket socket;
  socket.protocol = text.substr(0, first);
  if (first == std::string_view::npos || (socket.protocol != "tcp" && socket.protocol != "udp")) {
    return refuse("write tcp: or udp: and an address with a port, as in udp:@lan:53");
  }
  const std::string_view rest = text.substr(first + 1);
  const std::size_t last = rest.rfind(':');
  if (last == std::string_view::npos || last == 0) {
    return refuse("an address and a port are needed, as in udp:@lan:53");
  }
  // The address is that of a port, with whatever is wrong about it.
  const auto port = parse_port(dsl::text("{}:{}", rest, rest.substr(last + 1)));
  if (!port) {
    const std::string& why = port.error().message();
    return refuse(why.substr(why.find("\": ") + 3));
  }
  if (port->count != 1) {
    return refuse("a socket has one port");
  }
  socket.host_ip = port->host_ip;
  socket.host = port->host;
  socket.container = port->host;
  return socket;
}

std::string format_listen(const Socket& socket) {
  const bool v6 = socket.host_ip.find(':') != std::string::npos;
  return dsl::text(v6 ? "{}:[{}]:{}" : "{}:{}:{}", socket.protocol, socket.host_ip, socket.host);
}

Port as_port(const Socket& socket) {
  return {.host_ip = socket.host_ip,
          .host = socket.host,
          .container = socket.container,
          .protocol = socket.protocol};
}

std::string format_port(const Port& port) {
  const bool v6 = port.host_ip.find(':') != std::string::npos;
  std::string text = port.host_ip.empty() ? ""
                     : v6                 ? "[" + port.host_ip + "]:"
                                          : port.host_ip + ":";
  text += format_range(port.host, port.count) + ":" + format_range(port.container, port.count);
  return port.protocol == "tcp" ? text : text + "/" + port.protocol;
}

bool overlap(const Port& a, const Port& b) {
  const auto every = [](const std::string& ip) {
    return ip.empty() || ip == "0.0.0.0" || ip == "::";
  };
  const bool same_address = a.host_ip == b.host_ip || every(a.host_ip) || every(b.host_ip);
  return same_address && a.protocol == b.protocol && a.host < b.host + b.count &&
         b.host < a.host + a.count;
}

Result<Volume> parse_volume(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::kInvalidArgument, "volume \"{}\": {}", text, why);
  };
  Volume volume;
  const std::size_t first = text.find(':');
  if (first == std::string_view::npos) {
    return refuse("host and container path are needed, as in /srv/x:/srv/x");
  }
  const std::string_view host = text.substr(0, first);
  std::string_view rest = text.substr(first + 1);
  const std::size_t second = rest.find(':');
  const std::string_view container = rest.substr(0, second);
  if (host.size() > kPathMax || container.size() > kPathMax) {
    return refuse("a path is too long");
  }
  if (!host.starts_with('/') || !container.starts_with('/')) {
    return refuse("both paths must be absolute");
  }
  if (second != std::string_view::npos) {
    rest = rest.substr(second + 1);
    while (true) {
      const std::size_t comma = rest.find(',');
      const std::string_view option = rest.substr(0, comma);
      static constexpr std::string_view kKnown[] = {"ro", "rw", "Z", "z", "U"};
      if (std::find(std::begin(kKnown), std::end(kKnown), option) == std::end(kKnown)) {
        return refuse("options are ro, rw, Z, z and U");
      }
      const auto has = [&](std::string_view other) {
        return std::find(volume.options.begin(), volume.options.end(), other) !=
               volume.options.end();
      };
      if (has(option) || (option == "ro" && has("rw")) || (option == "rw" && has("ro"))) {
        return refuse("its options contradict or repeat each other");
      }
      volume.options.emplace_back(option);
      if (comma == std::string_view::npos) {
        break;
      }
      rest = rest.substr(comma + 1);
    }
  }
  volume.host = normal_path(host);
  volume.container = normal_path(container);
  return volume;
}

std::string format_volume(const Volume& volume) {
  std::string text = volume.host + ":" + volume.container;
  for (std::size_t i = 0; i < volume.options.size(); ++i) {
    text += (i == 0 ? ":" : ",") + volume.options[i];
  }
  return text;
}

std::string normal_path(std::string_view absolute) {
  std::vector<std::string_view> parts;
  while (!absolute.empty()) {
    const std::size_t end = absolute.find('/');
    const std::string_view part = absolute.substr(0, end);
    if (part == "..") {
      if (!parts.empty()) {
        parts.pop_back();
      }
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    absolute = end == std::string_view::npos ? std::string_view() : absolute.substr(end + 1);
  }
  std::string path;
  for (const std::string_view part : parts) {
    path += '/';
    path += part;
  }
  return path.empty() ? "/" : path;
}

bool is_inside(std::string_view path, std::string_view root) {
  return root == "/" || path == root ||
         (path.starts_with(root) && path.size() > root.size() && path[root.size()] == '/');
}

bool is_restart_policy(std::string_view text) {
  if (text == "unless-stopped" || text == "always" || text == "no" || text == "on-failure") {
    return true;
  }
  const std::string_view prefix = "on-failure:";
  return text.starts_with(prefix) && port_number(text.substr(prefix.size())).has_value();
}

}  // namespace mcp::model
