#include "standin/dns.h"

#include <array>
#include <cstdint>

namespace standin {
namespace {

enum Rcode : unsigned {
  kNoError = 0,
  kFormErr = 1,
  kServFail = 2,
  kNxDomain = 3,
  kNotImp = 4,
  kRefused = 5,
  kBadVers = 16
};
enum Type : unsigned {
  kA = 1,
  kNs = 2,
  kSoa = 6,
  kOpt = 41,
  kDs = 43,
  kIxfr = 251,
  kAxfr = 252,
  kAny = 255
};

constexpr unsigned kClassIn = 1;
constexpr unsigned kTtl = 300;
constexpr unsigned kUdpSize = 1232;  // what we say to EDNS clients; DNS flag day 2020
constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kNameMax = 255;  // RFC 1035 section 2.3.4
constexpr std::size_t kLabelMax = 63;
constexpr unsigned kRecordsMax = 16;  // in one query; a real one has an OPT and perhaps a TSIG

constexpr std::string_view kNodes = "mcp.metacircular.net";
constexpr std::string_view kServices = "svc.mcp.metacircular.net";
constexpr std::string_view kNameServer = "ns.mcp.metacircular.net";
constexpr std::string_view kHostmaster = "hostmaster.mcp.metacircular.net";

// Each has both addresses of the node rift: twelve records.
constexpr std::array<std::string_view, 6> kHosts{
    "metacrypt.svc.mcp.metacircular.net", "mcr.svc.mcp.metacircular.net",
    "sgard.svc.mcp.metacircular.net",     "mcp-agent.svc.mcp.metacircular.net",
    "rift.mcp.metacircular.net",          "ns.mcp.metacircular.net"};
constexpr std::array<std::string_view, 2> kAddresses{
    std::string_view("\xc0\xa8\x58\xb5", 4),   // 192.168.88.181, LAN
    std::string_view("\x64\x5f\xfc\x78", 4)};  // 100.95.252.120, overlay

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

void put8(std::string& out, unsigned value) { out.push_back(static_cast<char>(value & 0xff)); }

void put16(std::string& out, unsigned value) {
  put8(out, value >> 8);
  put8(out, value);
}

void put32(std::string& out, unsigned value) {
  put16(out, value >> 16);
  put16(out, value);
}

// "a.b" as labels.
std::string wire(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    put8(out, static_cast<unsigned>(label.size()));
    out += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  put8(out, 0);
  return out;
}

// Reads a message from front to back. After the first read past the end `ok` is false and every
// value is zero.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t position() const { return at_; }
  bool at_end() const { return at_ == bytes_.size(); }

  unsigned u8() {
    if (!have(1)) {
      return 0;
    }
    return byte_at(bytes_, at_++);
  }
  unsigned u16() {
    const unsigned high = u8();
    return high << 8 | u8();
  }
  void skip(std::size_t count) {
    if (have(count)) {
      at_ += count;
    }
  }

  // An uncompressed name, in lower case, still as labels. There is nothing before a question
  // that it could point to.
  std::string name() {
    std::string out;
    for (;;) {
      const unsigned length = u8();
      if (length > kLabelMax || out.size() + 1 + length > kNameMax || !have(length)) {
        ok_ = false;
        return {};
      }
      put8(out, length);
      if (length == 0) {
        return out;
      }
      for (unsigned i = 0; i < length; ++i) {
        const char c = bytes_[at_++];
        out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
      }
    }
  }

  // Steps over a name that may end in a pointer, without following it. True if it was the root.
  bool skip_name() {
    std::size_t total = 0;
    for (;;) {
      const unsigned length = u8();
      if (!ok_ || length == 0) {
        return total == 0;
      }
      if (length >= 0xc0) {
        skip(1);
        return false;
      }
      total += 1 + length;
      if (length > kLabelMax || total >= kNameMax) {
        ok_ = false;
        return false;
      }
      skip(length);
    }
  }

 private:
  bool have(std::size_t count) {
    ok_ = ok_ && count <= bytes_.size() - at_;
    return ok_;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct Query {
  unsigned id = 0;
  unsigned flags = 0;
  std::string name;           // lower case, as labels
  std::string_view question;  // as sent: an answer repeats the letter case
  unsigned type = 0;
  unsigned qclass = 0;
  bool edns = false;
  unsigned edns_version = 0;
  bool dnssec_ok = false;
};

// Reads what follows the header. False: FORMERR.
bool parse(std::string_view message, Query& query) {
  Reader in(message);
  in.skip(4);
  const unsigned questions = in.u16();
  const unsigned answers = in.u16();
  const unsigned authority = in.u16();
  const unsigned additional = in.u16();
  if (questions != 1 || answers != 0 || authority != 0 || additional > kRecordsMax) {
    return false;
  }
  query.name = in.name();
  query.type = in.u16();
  query.qclass = in.u16();
  if (!in.ok()) {
    return false;
  }
  query.question = message.substr(kHeaderBytes, in.position() - kHeaderBytes);

  for (unsigned i = 0; i < additional; ++i) {
    const bool root = in.skip_name();
    const unsigned type = in.u16();
    in.skip(2);  // class, or the sender's UDP size: our answers are smaller than any
    in.skip(1);  // extended RCODE
    const unsigned version = in.u8();
    const unsigned flags = in.u16();
    in.skip(in.u16());
    if (!in.ok()) {
      return false;
    }
    if (type != kOpt) {
      continue;
    }
    if (!root || query.edns) {  // RFC 6891 section 6.1.1: one OPT, at the root
      return false;
    }
    query.edns = true;
    query.edns_version = version;
    query.dnssec_ok = (flags & 0x8000) != 0;
  }
  return in.at_end();
}

struct Reply {
  unsigned rcode = kNoError;
  bool authoritative = false;
  unsigned answers = 0;
  unsigned authority = 0;
  std::string records{};
};

void put_record(std::string& out, std::size_t owner, unsigned type, std::string_view data) {
  put16(out, 0xc000 | static_cast<unsigned>(owner));
  put16(out, type);
  put16(out, kClassIn);
  put32(out, kTtl);
  put16(out, static_cast<unsigned>(data.size()));
  out += data;
}

std::string soa_data() {
  std::string data = wire(kNameServer) + wire(kHostmaster);
  put32(data, 1);      // serial
  put32(data, 3600);   // refresh
  put32(data, 600);    // retry
  put32(data, 86400);  // expire
  put32(data, kTtl);   // RFC 2308 section 4: how long a "no" is kept
  return data;
}

// Where `zone` begins in `name`, counted in whole labels; nothing if `name` is not inside it.
std::optional<std::size_t> offset_of(const std::string& zone, const std::string& name) {
  for (std::size_t at = 0; at < name.size(); at += 1U + byte_at(name, at)) {
    if (std::string_view(name).substr(at) == zone) {
      return at;
    }
  }
  return std::nullopt;
}

Reply resolve(const Query& query) {
  static const std::string nodes = wire(kNodes);
  static const std::string services = wire(kServices);

  Reply reply;
  auto apex = offset_of(nodes, query.name);
  if (query.qclass != kClassIn || !apex || query.type == kAxfr || query.type == kIxfr) {
    reply.rcode = kRefused;
    return reply;
  }
  // RFC 4035 section 3.1.4.1: DS at a cut is a question to the parent.
  if (const auto child = offset_of(services, query.name);
      child && !(*child == 0 && query.type == kDs)) {
    apex = child;
  }
  reply.authoritative = true;

  const auto wants = [&](Type type) { return query.type == type || query.type == kAny; };
  bool exists = *apex == 0 || query.name == services;
  if (*apex == 0) {
    if (wants(kSoa)) {
      put_record(reply.records, kHeaderBytes, kSoa, soa_data());
      ++reply.answers;
    }
    if (wants(kNs)) {
      put_record(reply.records, kHeaderBytes, kNs, wire(kNameServer));
      ++reply.answers;
    }
  }
  for (const auto host : kHosts) {
    if (query.name != wire(host)) {
      continue;
    }
    exists = true;
    for (const auto address : kAddresses) {
      if (wants(kA)) {
        put_record(reply.records, kHeaderBytes, kA, address);
        ++reply.answers;
      }
    }
  }

  if (reply.answers == 0) {
    reply.rcode = exists ? kNoError : kNxDomain;
    put_record(reply.records, kHeaderBytes + *apex, kSoa, soa_data());
    ++reply.authority;
  }
  return reply;
}

std::string encode(const Query& query, const Reply& reply) {
  std::string out;
  put16(out, query.id);
  // QR; opcode, RD and CD as they came; no recursion here.
  put16(out, 0x8000 | (query.flags & 0x7910) | (reply.authoritative ? 0x0400U : 0U) |
                 (reply.rcode & 0xf));
  put16(out, query.question.empty() ? 0 : 1);
  put16(out, reply.answers);
  put16(out, reply.authority);
  put16(out, query.edns ? 1 : 0);
  out += query.question;
  out += reply.records;
  if (query.edns) {
    put8(out, 0);
    put16(out, kOpt);
    put16(out, kUdpSize);
    put8(out, reply.rcode >> 4);
    put8(out, 0);  // version
    put16(out, query.dnssec_ok ? 0x8000 : 0);
    put16(out, 0);
  }
  return out;
}

}  // namespace

std::optional<std::string> answer_dns(std::string_view message, bool failing) {
  if (message.size() < kHeaderBytes) {
    return std::nullopt;
  }
  Query query;
  query.id = static_cast<unsigned>(byte_at(message, 0) << 8 | byte_at(message, 1));
  query.flags = static_cast<unsigned>(byte_at(message, 2) << 8 | byte_at(message, 3));
  if ((query.flags & 0x8000) != 0) {  // never answer an answer: two servers would not stop
    return std::nullopt;
  }
  if ((query.flags & 0x7800) != 0) {
    return encode(query, Reply{.rcode = kNotImp});
  }
  if (Query parsed = query; parse(message, parsed)) {
    query = parsed;
  } else {
    return encode(query, Reply{.rcode = kFormErr});
  }
  if (query.edns_version != 0) {
    return encode(query, Reply{.rcode = kBadVers});
  }
  if (failing) {
    return encode(query, Reply{.rcode = kServFail});
  }
  return encode(query, resolve(query));
}

}  // namespace standin
