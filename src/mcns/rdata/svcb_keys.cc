#include "mcns/rdata/svcb_keys.h"

#include <algorithm>
#include <array>
#include <vector>

#include "dsl/json/canonical.h"
#include "mcns/rdata/encodings.h"

namespace mcns {
namespace {

constexpr std::array<std::string_view, 9> kNames = {"mandatory", "alpn",     "no-default-alpn",
                                                    "port",      "ipv4hint", "ech",
                                                    "ipv6hint",  "dohpath",  "ohttp"};
constexpr std::uint64_t kKeyMax = 65534;  // RFC 9460 section 14.3.2: 65535 is no key

// Items of a list (RFC 9460 appendix A.1): a comma or backslash inside of one is escaped.
std::optional<std::vector<Bytes>> split_list(std::string_view value) {
  std::vector<Bytes> items(1);
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] == ',') {
      items.emplace_back();
    } else if (value[at] == '\\') {
      if (++at == value.size()) {
        return std::nullopt;
      }
      items.back() += value[at];
    } else {
      items.back() += value[at];
    }
  }
  const bool has_empty =
      std::any_of(items.begin(), items.end(), [](const Bytes& item) { return item.empty(); });
  return has_empty ? std::nullopt : std::optional(std::move(items));
}

std::optional<Bytes> read_keys(const std::vector<Bytes>& items) {
  std::vector<std::uint16_t> keys;
  for (const Bytes& item : items) {
    const auto key = parse_svc_key(item);
    if (!key) {
      return std::nullopt;
    }
    keys.push_back(*key);
  }
  std::sort(keys.begin(), keys.end());
  Bytes wire;
  for (const std::uint16_t key : keys) {
    put16(wire, key);
  }
  return wire;
}

std::optional<Bytes> read_protocols(const std::vector<Bytes>& items) {
  Bytes wire;
  for (const Bytes& item : items) {
    if (item.size() > 255) {
      return std::nullopt;
    }
    put8(wire, item.size());
    wire += item;
  }
  return wire;
}

std::optional<Bytes> read_addresses(const std::vector<Bytes>& items,
                                    std::optional<Bytes> (*parse)(std::string_view)) {
  Bytes wire;
  for (const Bytes& item : items) {
    const auto address = parse(item);
    if (!address) {
      return std::nullopt;
    }
    wire += *address;
  }
  return wire;
}

// RFC 9460 section 8: in order, none twice, and not itself.
bool are_keys(BytesView wire) {
  int before = kMandatory;
  for (std::size_t at = 0; at + 1 < wire.size(); at += 2) {
    if (get16(wire, at) <= before) {
      return false;
    }
    before = get16(wire, at);
  }
  return !wire.empty() && wire.size() % 2 == 0;
}

bool are_protocols(BytesView wire) {
  bool good = !wire.empty();
  while (good && !wire.empty()) {
    const std::size_t size = get8(wire, 0);
    good = size > 0 && size < wire.size();
    wire.remove_prefix(good ? 1 + size : 0);
  }
  return good;
}

// RFC 9461 section 5: a relative URI template with the variable "dns".
bool is_path(BytesView wire) {
  if (!wire.starts_with('/')) {
    return false;
  }
  for (std::size_t open = wire.find('{'); open != BytesView::npos;
       open = wire.find('{', open + 1)) {
    const BytesView expression = wire.substr(open + 1, wire.find('}', open) - open - 1);
    if (expression.find("dns") != BytesView::npos) {
      return true;
    }
  }
  return false;
}

void append_items(std::string& out, BytesView wire, std::size_t size,
                  std::string (*text)(BytesView)) {
  for (std::size_t at = 0; at < wire.size(); at += size) {
    out += at == 0 ? '=' : ',';
    out += text(wire.substr(at, size));
  }
}

void append_protocols(std::string& out, BytesView wire) {
  Bytes list;
  while (!wire.empty()) {
    const std::size_t size = get8(wire, 0);
    list += list.empty() ? "" : ",";
    for (const char c : wire.substr(1, size)) {
      list += c == ',' || c == '\\' ? "\\" : "";
      list += c;
    }
    wire.remove_prefix(1 + size);
  }
  out += '=';
  append_quoted(out, list);
}

}  // namespace

std::string svc_key_text(std::uint16_t key) {
  return key < kNames.size() ? std::string(kNames[key]) : "key" + std::to_string(key);
}

std::optional<std::uint16_t> parse_svc_key(std::string_view text) {
  const auto* named = std::find(kNames.begin(), kNames.end(), text);
  if (named != kNames.end()) {
    return static_cast<std::uint16_t>(named - kNames.begin());
  }
  // RFC 9460 section 2.1: without leading zeros.
  constexpr std::string_view kPrefix = "key";
  if (!text.starts_with(kPrefix) || (text.size() > 4 && text[3] == '0')) {
    return std::nullopt;
  }
  const auto number = parse_number(text.substr(kPrefix.size()), kKeyMax);
  return number ? std::optional(static_cast<std::uint16_t>(*number)) : std::nullopt;
}

std::string_view allowed_svc_value(std::uint16_t key) {
  switch (key) {
    case kMandatory:
      return "keys with commas between them, none twice and not itself";
    case kAlpn:
      return "protocols such as h2,h3";
    case kNoDefaultAlpn:
    case kOhttp:
      return "none";
    case kPort:
      return "a number from 0 to 65535";
    case kIpv4Hint:
      return "IPv4 addresses with commas between them";
    case kEch:
      return "base64 with its padding";
    case kIpv6Hint:
      return "IPv6 addresses with commas between them";
    case kDohPath:
      return "a relative template such as /dns-query{?dns}";
    default:
      return "octets";
  }
}

std::optional<Bytes> read_svc_value(std::uint16_t key, std::string_view value) {
  const auto items = split_list(value);
  switch (key) {
    case kMandatory:
      return items ? read_keys(*items) : std::nullopt;
    case kAlpn:
      return items ? read_protocols(*items) : std::nullopt;
    case kIpv4Hint:
      return items ? read_addresses(*items, parse_ipv4) : std::nullopt;
    case kIpv6Hint:
      return items ? read_addresses(*items, parse_ipv6) : std::nullopt;
    case kPort: {
      const auto port = parse_number(value, 65535);
      Bytes wire;
      put16(wire, port.value_or(0));
      return port ? std::optional(std::move(wire)) : std::nullopt;
    }
    case kEch: {
      auto octets = dsl::json::from_base64(value);
      return octets ? std::optional(std::move(*octets)) : std::nullopt;
    }
    default:
      return Bytes(value);
  }
}

bool is_svc_value(std::uint16_t key, BytesView wire) {
  switch (key) {
    case kMandatory:
      return are_keys(wire);
    case kAlpn:
      return are_protocols(wire);
    case kNoDefaultAlpn:
    case kOhttp:
      return wire.empty();
    case kPort:
      return wire.size() == 2;
    case kIpv4Hint:
      return !wire.empty() && wire.size() % 4 == 0;
    case kEch:
      return !wire.empty();
    case kIpv6Hint:
      return !wire.empty() && wire.size() % 16 == 0;
    case kDohPath:
      return is_path(wire);
    default:
      return true;
  }
}

void append_svc_value(std::string& out, std::uint16_t key, BytesView wire) {
  if (wire.empty()) {
    return;
  }
  switch (key) {
    case kMandatory:
      append_items(out, wire, 2, [](BytesView octets) { return svc_key_text(get16(octets, 0)); });
      return;
    case kAlpn:
      append_protocols(out, wire);
      return;
    case kPort:
      out += "=" + std::to_string(get16(wire, 0));
      return;
    case kIpv4Hint:
      append_items(out, wire, 4, ipv4_text);
      return;
    case kEch:
      out += "=" + dsl::json::base64(wire);
      return;
    case kIpv6Hint:
      append_items(out, wire, 16, ipv6_text);
      return;
    default:
      out += '=';
      append_quoted(out, wire);
  }
}

}  // namespace mcns
