#include "mcns/answer/answer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "dsl/result/text.h"
#include "mcns/answer/lookup.h"
#include "mcns/answer/response.h"

namespace mcns {
namespace {

constexpr std::size_t kUdpMin = 512;  // RFC 1035 section 4.2.1
constexpr std::size_t kStreamMax = 65535;
constexpr std::uint16_t kOptNsid = 3;
constexpr std::uint16_t kOptCookie = 10;
constexpr std::uint16_t kOptKeepalive = 11;
constexpr std::uint16_t kOptExtendedError = 15;
constexpr std::uint16_t kOptZoneVersion = 19;
constexpr std::size_t kNsidMax = 128;
constexpr std::size_t kZoneVersionSize = 10;
constexpr std::uint8_t kSoaSerial = 0;  // a type of version of RFC 9660

// The options of an OPT record, put together in place.
class Options {
 public:
  void add(std::uint16_t code, std::string_view data) {
    append16(code);
    append16(static_cast<std::uint16_t>(data.size()));
    std::memcpy(octets_.data() + size_, data.data(), data.size());
    size_ += data.size();
  }
  void add16(std::uint16_t code, std::uint16_t number) {
    append16(code);
    append16(sizeof(number));
    append16(number);
  }
  // RFC 7873 section 4: what the client sent, then ours.
  void add_cookie(std::string_view client, const cookie::ServerCookie& server) {
    append16(kOptCookie);
    append16(cookie::kClientSize + cookie::kServerSize);
    std::memcpy(octets_.data() + size_, client.data(), cookie::kClientSize);
    std::memcpy(octets_.data() + size_ + cookie::kClientSize, server.data(), server.size());
    size_ += cookie::kClientSize + cookie::kServerSize;
  }
  void add_zone_version(std::uint8_t labels, std::uint32_t serial) {
    append16(kOptZoneVersion);
    append16(6);
    octets_[size_++] = static_cast<char>(labels);
    octets_[size_++] = static_cast<char>(kSoaSerial);
    append16(static_cast<std::uint16_t>(serial >> 16U));
    append16(static_cast<std::uint16_t>(serial));
  }
  std::string_view wire() const { return {octets_.data(), size_}; }

 private:
  void append16(std::uint16_t number) {
    octets_[size_++] = static_cast<char>(number >> 8U);
    octets_[size_++] = static_cast<char>(number);
  }
  // Each option once: 132 octets, 28, 6, 6 and 10.
  std::array<char, kNsidMax + 64> octets_;
  std::size_t size_ = 0;
};

Options options_for(const Query& query, const Client& client, const AnswerOptions& options,
                    std::optional<ExtendedError> extended) {
  Options out;
  if (query.edns.nsid && !options.nsid.empty()) {
    out.add(kOptNsid, options.nsid);
  }
  if (client.cookie) {
    out.add_cookie(query.edns.cookie, client.cookie->reply);
  }
  // RFC 7828 section 3.3.1: ignored over UDP.
  if (query.edns.keepalive && client.stream && options.keepalive != 0) {
    out.add16(kOptKeepalive, options.keepalive);
  }
  if (extended) {
    out.add16(kOptExtendedError, static_cast<std::uint16_t>(*extended));
  }
  return out;
}

}  // namespace

void Answerer::set_options(AnswerOptions options) {
  options_ = std::move(options);
  options_.nsid.resize(std::min(options_.nsid.size(), kNsidMax));
}

std::size_t Answerer::limit(const Query& query, const Client& client) const {
  if (client.stream) {
    return kStreamMax;
  }
  if (!query.edns.present) {
    return kUdpMin;
  }
  // RFC 6891 section 6.2.3: less than 512 means 512.
  return std::max(kUdpMin, std::min<std::size_t>(query.edns.udp_size, options_.udp_size));
}

Answer Answerer::answer(const zone::Version& version, std::string_view packet, const Client& client,
                        Query& query, char* buffer, std::size_t buffer_size, Trace* trace) {
  const ParseResult parsed = parse_query(packet, query);
  return answer(version, parsed, query, client, buffer, buffer_size, trace);
}

Answer Answerer::answer(const zone::Version& version, ParseResult parsed, const Query& query,
                        const Client& client, char* buffer, std::size_t buffer_size, Trace* trace) {
  Answer out;
  const auto refuse = [&](Rcode rcode, std::optional<ExtendedError> extended = std::nullopt) {
    out.kind = Answer::Kind::kReply;
    out.rcode = rcode;
    out.size = error(query, client, rcode, extended, buffer);
    return out;
  };
  switch (parsed) {
    case ParseResult::kDrop:
      return out;
    case ParseResult::kFormErr:
      return refuse(Rcode::kFormErr);
    case ParseResult::kNotImp:
      return refuse(Rcode::kNotImp);
    case ParseResult::kCookieOnly:
      return refuse(client.cookie ? Rcode::kNoError : Rcode::kFormErr);
    case ParseResult::kOk:
      break;
  }
  if (query.opcode != Opcode::kQuery) {
    return refuse(Rcode::kNotImp);
  }
  if (query.edns.present && query.edns.version != 0) {
    return refuse(Rcode::kBadVers);
  }
  // RFC 7873 section 5.2.2.
  if (options_.cookies && query.edns.has_cookie && !cookie::is_well_formed(query.edns.cookie)) {
    return refuse(Rcode::kFormErr);
  }
  if (query.dns_class == Class::kCh) {
    return chaos(query, client, buffer);
  }
  if (query.dns_class != Class::kIn) {
    return refuse(Rcode::kRefused, ExtendedError::kNotSupported);
  }
  if (query.type == Type::kAxfr || query.type == Type::kIxfr) {
    return query.type == Type::kAxfr && !client.stream
               ? refuse(Rcode::kFormErr)
               : refuse(Rcode::kRefused, ExtendedError::kProhibited);
  }
  return answer(version, query, client, buffer, buffer_size, trace);
}

Answer Answerer::answer(const zone::Version& version, const Query& query, const Client& client,
                        char* buffer, std::size_t buffer_size, Trace* trace) {
  Options extra = options_for(query, client, options_, std::nullopt);
  const std::size_t version_room = query.edns.zone_version ? kZoneVersionSize : 0;
  const std::size_t reserved =
      query.edns.present ? kOptSize + extra.wire().size() + version_room : 0;
  Response response(query, buffer, std::min(limit(query, client), buffer_size));
  response.reserve(reserved);

  Lookup lookup(version, query, response, trace);
  Lookup::Options how;
  how.any = options_.any == AnyAnswer::kFull && !client.stream ? AnyAnswer::kMinimal : options_.any;
  how.turn = options_.rotate ? turn_++ : 0;
  how.vicinity = client.vicinity;
  how.forward = client.may_recurse && query.recursion_desired();
  how.follow = options_.follow_delegations;
  const Lookup::Result result = lookup.run(how);

  Answer out;
  if (result == Lookup::Result::kNotOurs && !how.forward) {
    out.kind = Answer::Kind::kReply;
    out.rcode = Rcode::kRefused;
    out.size = error(query, client, Rcode::kRefused, ExtendedError::kNotAuthoritative, buffer);
    return out;
  }
  out.kind = result == Lookup::Result::kDone ? Answer::Kind::kReply : Answer::Kind::kForward;
  out.rcode = lookup.rcode();
  out.target = lookup.target();
  // A name that a DNAME made lies in the walk, which ends here.
  if (out.kind == Answer::Kind::kForward && out.target.data() != query.name.wire.data()) {
    std::memcpy(target_.data(), out.target.data(), out.target.size());
    out.target = {target_.data(), out.target.size()};
  }
  out.labels = lookup.labels();
  out.alias = lookup.alias();
  out.cut = lookup.cut();
  if (out.kind == Answer::Kind::kReply && query.edns.present) {
    response.give_back(reserved);
    if (query.edns.zone_version && lookup.authoritative()) {
      const zone::Zone& zone = *lookup.zone();
      extra.add_zone_version(static_cast<std::uint8_t>(zone.origin_labels()), zone.serial());
    }
    response.add_opt(options_.udp_size, out.rcode, query.edns.dnssec_ok, extra.wire());
  }
  out.size = response.finish({.rcode = out.rcode,
                              .authoritative = lookup.authoritative(),
                              .truncated = lookup.truncated(),
                              .recursion_available = client.may_recurse});
  return out;
}

std::size_t Answerer::error(const Query& query, const Client& client, Rcode rcode,
                            std::optional<ExtendedError> extended, char* buffer) const {
  Response response(query, buffer, kUdpMin);
  if (query.edns.present) {
    const Options extra = options_for(query, client, options_, extended);
    response.add_opt(options_.udp_size, rcode, query.edns.dnssec_ok, extra.wire());
  }
  return response.finish({.rcode = rcode, .recursion_available = client.may_recurse});
}

std::size_t Answerer::cut_short(const Query& query, const Client& client, char* buffer) const {
  return bare(query, client, Rcode::kNoError, true, buffer);
}

std::size_t Answerer::bad_cookie(const Query& query, const Client& client, char* buffer) const {
  return bare(query, client, Rcode::kBadCookie, false, buffer);
}

std::size_t Answerer::bare(const Query& query, const Client& client, Rcode rcode, bool truncated,
                           char* buffer) const {
  Response response(query, buffer, kUdpMin);
  if (query.edns.present) {
    Options extra;
    if (client.cookie) {
      extra.add_cookie(query.edns.cookie, client.cookie->reply);
    }
    response.add_opt(options_.udp_size, rcode, query.edns.dnssec_ok, extra.wire());
  }
  return response.finish(
      {.rcode = rcode, .truncated = truncated, .recursion_available = client.may_recurse});
}

std::size_t Answerer::special(const Query& query, const Client& client, const SpecialAnswer& answer,
                              char* buffer) const {
  const Options extra = options_for(query, client, options_, std::nullopt);
  const std::size_t reserved = query.edns.present ? kOptSize + extra.wire().size() : 0;
  Response response(query, buffer, kUdpMin);
  response.reserve(reserved);
  bool whole = true;
  if (answer.kind == SpecialAnswer::Kind::kRecords) {
    for (const std::string_view rdata : answer.rdata) {
      whole = whole && response.add_record(Section::kAnswer, kQuestionName, answer.type, Class::kIn,
                                           kSpecialTtl, rdata);
    }
  } else {
    const std::size_t labels = answer.zone_labels;
    const std::size_t zone_at =
        labels == 0 ? query.name.wire.size() - 1 : query.name.offset[query.name.labels - labels];
    whole = response.add_record(Section::kAuthority, static_cast<NameAt>(kQuestionName + zone_at),
                                Type::kSoa, Class::kIn, kSpecialTtl, special_soa());
  }
  const Rcode rcode =
      answer.kind == SpecialAnswer::Kind::kNxDomain ? Rcode::kNxDomain : Rcode::kNoError;
  if (query.edns.present) {
    response.give_back(reserved);
    response.add_opt(options_.udp_size, rcode, query.edns.dnssec_ok, extra.wire());
  }
  return response.finish({.rcode = rcode,
                          .authoritative = true,
                          .truncated = !whole,
                          .recursion_available = client.may_recurse});
}

std::string_view Answerer::opt(const Query& query, const Client& client, Rcode rcode,
                               std::optional<ExtendedError> extended, char* room) const {
  if (!query.edns.present) {
    return {};
  }
  const Options options = options_for(query, client, options_, extended);
  return {room, write_opt(options_.udp_size, rcode, query.edns.dnssec_ok, options.wire(), room)};
}

// RFC 4892, and the names that BIND began with.
Answer Answerer::chaos(const Query& query, const Client& client, char* buffer) const {
  static constexpr std::array<std::string_view, 4> kNames = {
      std::string_view("\x02id\x06server\x00", 11),
      std::string_view("\x08hostname\x04"
                       "bind\x00",
                       15),
      std::string_view("\x07version\x04"
                       "bind\x00",
                       14),
      std::string_view("\x07version\x06server\x00", 16)};
  const bool known = std::any_of(kNames.begin(), kNames.end(), [&](std::string_view name) {
    return equal_ignoring_case(name, query.name.wire);
  });
  Answer out;
  out.kind = Answer::Kind::kReply;
  if (!known || options_.identity.empty() || query.type != Type::kTxt) {
    out.rcode = Rcode::kRefused;
    out.size = error(query, client, Rcode::kRefused, ExtendedError::kProhibited, buffer);
    return out;
  }
  Response response(query, buffer, kUdpMin);
  const std::string_view identity = std::string_view(options_.identity).substr(0, 255);
  std::array<char, 256> rdata;
  rdata[0] = static_cast<char>(identity.size());
  std::memcpy(rdata.data() + 1, identity.data(), identity.size());
  (void)response.add_record(Section::kAnswer, kQuestionName, Type::kTxt, Class::kCh, 0,
                            {rdata.data(), 1 + identity.size()});
  if (query.edns.present) {
    response.add_opt(options_.udp_size, Rcode::kNoError, query.edns.dnssec_ok,
                     options_for(query, client, options_, std::nullopt).wire());
  }
  out.size = response.finish({.authoritative = true, .recursion_available = client.may_recurse});
  return out;
}

}  // namespace mcns
