// The little of RFC 1035 that a gate needs: one question out, one reply in.
#include <array>
#include <optional>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "mcp/boot/gate.h"

namespace mcp::boot {

namespace {

constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeAaaa = 28;
constexpr std::uint16_t kClassIn = 1;
constexpr std::size_t kLabelBytesMax = 63;  // RFC 1035 section 2.3.4
constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kAddressesMax = 64;  // more than any gate compares

void put16(std::string& out, std::uint16_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xff));
}

// Empty when `name` is no domain name.
std::optional<std::string> encode_name(std::string_view name) {
  std::string out;
  if (!name.empty() && name.back() == '.') {
    name.remove_suffix(1);
  }
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    if (label.empty() || label.size() > kLabelBytesMax) {
      return std::nullopt;
    }
    out.push_back(static_cast<char>(label.size()));
    out.append(label);
    if (label.size() == name.size()) {
      break;
    }
    name.remove_prefix(label.size() + 1);
    if (name.empty()) {
      return std::nullopt;  // "a.."
    }
  }
  out.push_back('\0');
  if (out.size() > kNameBytesMax) {
    return std::nullopt;
  }
  return out;
}

// Walks a packet; after the first read beyond its end `ok` is false and everything reads as zero.
class Reader {
 public:
  explicit Reader(std::string_view packet) : packet_(packet) {}

  bool ok() const { return ok_; }

  std::string_view bytes(std::size_t count) {
    if (!ok_ || packet_.size() - at_ < count) {
      ok_ = false;
      return {};
    }
    at_ += count;
    return packet_.substr(at_ - count, count);
  }
  int number8() {
    const std::string_view got = bytes(1);
    return ok_ ? static_cast<unsigned char>(got[0]) : 0;
  }
  int number16() {
    const int high = number8();
    return high * 256 + number8();
  }
  // RFC 1035 section 4.1.4: labels until the root label, or until a pointer, which always comes
  // last. The pointer is not followed: nobody here wants the name, and so no loop can trap us.
  void skip_name() {
    std::size_t length = 0;
    while (ok_) {
      const int size = number8();
      if (size == 0) {
        return;
      }
      if ((size & 0xc0) == 0xc0) {
        (void)number8();
        return;
      }
      length += static_cast<std::size_t>(size) + 1;
      if ((size & 0xc0) != 0 || length > kNameBytesMax) {
        ok_ = false;
        return;
      }
      (void)bytes(static_cast<std::size_t>(size));
    }
  }

 private:
  std::string_view packet_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

void add_address(DnsReply& reply, int type, std::string_view data) {
  const bool v4 = type == kTypeA && data.size() == sizeof(in_addr);
  const bool v6 = type == kTypeAaaa && data.size() == sizeof(in6_addr);
  if ((!v4 && !v6) || reply.addresses.size() >= kAddressesMax) {
    return;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (inet_ntop(v4 ? AF_INET : AF_INET6, data.data(), text.data(), text.size()) != nullptr) {
    reply.addresses.emplace_back(text.data());
  }
}

}  // namespace

std::string dns_query(std::string_view name, std::uint16_t type, std::uint16_t id) {
  const auto encoded = encode_name(name);
  if (!encoded) {
    return {};
  }
  std::string packet;
  put16(packet, id);
  put16(packet, 0x0100);  // RD: also a resolver may be behind the gate
  put16(packet, 1);       // QDCOUNT
  put16(packet, 0);
  put16(packet, 0);
  put16(packet, 0);
  packet += *encoded;
  put16(packet, type);
  put16(packet, kClassIn);
  return packet;
}

DnsReply parse_dns_reply(std::string_view packet) {
  Reader reader(packet);
  const int id = reader.number16();
  const int flags = reader.number16();
  const int questions = reader.number16();
  const int answers = reader.number16();
  (void)reader.number16();  // authority
  (void)reader.number16();  // additional
  const bool is_reply = (flags & 0x8000) != 0;
  const bool is_query_opcode = (flags & 0x7800) == 0;
  // Somebody who did not read our question: RFC 1035 section 4.1.2, in practice always one.
  if (!reader.ok() || !is_reply || !is_query_opcode || questions > 1) {
    return {};
  }
  if (questions == 1) {
    reader.skip_name();
    (void)reader.bytes(4);
  }
  DnsReply parsed;
  for (int i = 0; i < answers && reader.ok(); ++i) {
    reader.skip_name();
    const int type = reader.number16();
    const int record_class = reader.number16();
    (void)reader.bytes(4);  // TTL
    const std::string_view data = reader.bytes(static_cast<std::size_t>(reader.number16()));
    if (reader.ok() && record_class == kClassIn) {
      ++parsed.answers;
      add_address(parsed, type, data);
    }
  }
  if (!reader.ok()) {
    return {};
  }
  parsed.well_formed = true;
  parsed.id = static_cast<std::uint16_t>(id);
  parsed.rcode = flags & 0x000f;
  parsed.truncated = (flags & 0x0200) != 0;
  return parsed;
}

}  // namespace mcp::boot
