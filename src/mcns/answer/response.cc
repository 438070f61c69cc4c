#include "mcns/answer/response.h"

#include <algorithm>

namespace mcns {
namespace {

constexpr std::size_t kRecordHead = 12;      // pointer, type, class, TTL, length
constexpr std::size_t kPointerMax = 0x3fff;  // how far a compression pointer reaches

// Behind the name at the beginning of `wire`, which is not compressed.
std::size_t name_size(std::string_view wire) {
  std::size_t at = 0;
  while (wire[at] != 0) {
    at += 1U + static_cast<std::uint8_t>(wire[at]);
  }
  return at + 1;
}

// Of RFC 1035's types, whose names alone may be compressed (RFC 3597 section 4); not CNAME, whose
// target becomes the owner of what follows and has to stand there whole.
bool has_compressible_names(Type type) {
  return type == Type::kNs || type == Type::kPtr || type == Type::kMx || type == Type::kSoa;
}

// Where the name of a host begins in rdata of this type.
std::size_t target_offset(Type type) {
  switch (type) {
    case Type::kNs:
      return 0;
    case Type::kMx:
    case Type::kSvcb:
    case Type::kHttps:
      return 2;
    case Type::kSrv:
      return 6;
    default:
      return std::string_view::npos;
  }
}

}  // namespace

Response::Response(const Query& query, char* buffer, std::size_t limit)
    : query_(query), buffer_(buffer), limit_(limit), size_(kHeaderSize + query.question_size) {
  // The question byte for byte: header and question lie side by side in the packet.
  if (query.question_size != 0) {
    std::memcpy(buffer_ + kHeaderSize, query.name.wire.data(), query.question_size);
  }
}

bool Response::add(Section section, const zone::RrsetView& rrset, NameAt owner,
                   const Origin& origin, unsigned turn) {
  const std::size_t begin = size_;
  if (has_compressible_names(rrset.type)) {
    if (!add_compressed(rrset, owner, origin)) {
      size_ = begin;
      return false;
    }
  } else {
    if (!fits(rrset.wire.size())) {
      return false;
    }
    std::size_t split = 0;
    // Those with hosts in them keep their order, by which `note_targets` finds them again.
    if (rrset.count > 1 && target_offset(rrset.type) == std::string_view::npos) {
      for (turn %= rrset.count; turn > 0; --turn) {
        const auto* length = reinterpret_cast<const std::uint8_t*>(rrset.wire.data()) + split + 10;
        split += kRecordHead + ((std::size_t{length[0]} << 8U) | length[1]);
      }
    }
    append(rrset.wire.substr(split));
    append(rrset.wire.substr(0, split));
    if (owner != kQuestionName) {
      for (std::size_t at = begin; at < size_;) {
        const auto* length = reinterpret_cast<const std::uint8_t*>(buffer_) + at + 10;
        put16(at, 0xc000U | owner);
        at += kRecordHead + ((std::size_t{length[0]} << 8U) | length[1]);
      }
    }
  }
  last_rdata_ = static_cast<NameAt>(begin + kRecordHead);
  counts_[static_cast<unsigned>(section)] += rrset.count;
  if (target_offset(rrset.type) != std::string_view::npos) {
    note_targets(rrset, begin);
  }
  return true;
}

bool Response::add_addresses(Section section, const zone::RrsetView& rrset, NameAt owner,
                             const Vicinity& vicinity, unsigned turn) {
  const std::size_t each = rrset.wire.size() / rrset.count;  // those of one type are of one size
  const auto record = [&](unsigned i) {
    return rrset.wire.substr((i + turn) % rrset.count * each, each);
  };
  const auto place = [&](unsigned i) { return vicinity.place_of(record(i).substr(kRecordHead)); };
  unsigned elsewhere = 0;
  for (unsigned i = 0; vicinity.only_reachable() && i < rrset.count; ++i) {
    elsewhere += place(i) == Vicinity::Place::kElsewhere ? 1U : 0U;
  }
  const unsigned left_out = elsewhere < rrset.count ? elsewhere : 0;
  if (!fits(each * (rrset.count - left_out))) {
    return false;
  }
  last_rdata_ = static_cast<NameAt>(size_ + kRecordHead);
  counts_[static_cast<unsigned>(section)] += static_cast<std::uint16_t>(rrset.count - left_out);
  for (const bool near : {true, false}) {
    for (unsigned i = 0; i < rrset.count; ++i) {
      const Vicinity::Place at = place(i);
      if ((at == Vicinity::Place::kNear) == near &&
          (left_out == 0 || at != Vicinity::Place::kElsewhere)) {
        append(record(i));
        put16(size_ - each, 0xc000U | owner);
      }
    }
  }
  return true;
}

void Response::bound_ttl(std::uint32_t ttl) {
  for (std::size_t at = last_rdata_ - kRecordHead; at < size_;) {
    const std::string_view record(buffer_ + at, size_ - at);
    write32(buffer_ + at + 6, std::min(ttl, read32(record, 6)));
    at += kRecordHead + read16(record, 10);
  }
}

bool Response::add_compressed(const zone::RrsetView& rrset, NameAt owner, const Origin& origin) {
  bool whole = true;
  rrset.each([&](std::string_view record, std::string_view rdata) {
    // What is written is never longer than what is stored.
    whole = whole && fits(record.size());
    if (!whole) {
      return;
    }
    const std::size_t begin = size_;
    append(record.substr(0, kRecordHead));
    put16(begin, 0xc000U | owner);
    std::size_t at = 0;
    if (rrset.type == Type::kMx) {
      append(rdata.substr(0, 2));
      at = 2;
    }
    for (int names = rrset.type == Type::kSoa ? 2 : 1; names > 0; --names) {
      const std::string_view name = rdata.substr(at, name_size(rdata.substr(at)));
      append_name(name, origin);
      at += name.size();
    }
    append(rdata.substr(at));
    put16(begin + 10, static_cast<unsigned>(size_ - begin - kRecordHead));
  });
  return whole;
}

void Response::append_name(std::string_view name, const Origin& origin) {
  if (origin.at != 0 && origin.at <= kPointerMax && origin.wire.size() > 2 &&
      name.size() >= origin.wire.size()) {
    const std::size_t head = name.size() - origin.wire.size();
    std::size_t at = 0;
    while (at < head) {
      at += 1U + static_cast<std::uint8_t>(name[at]);
    }
    if (at == head && equal_ignoring_case(name.substr(head), origin.wire)) {
      append(name.substr(0, head));
      size_ += 2;
      put16(size_ - 2, 0xc000U | origin.at);
      return;
    }
  }
  append(name);
}

void Response::note_targets(const zone::RrsetView& rrset, std::size_t begin) {
  const std::size_t offset = target_offset(rrset.type);
  std::size_t at = begin;
  rrset.each([&](std::string_view, std::string_view rdata) {
    if (target_count_ < kTargetsMax && at + kRecordHead + offset <= kPointerMax) {
      const std::string_view name = rdata.substr(offset);
      targets_[target_count_++] = {name.data(), static_cast<std::uint16_t>(name_size(name)),
                                   static_cast<NameAt>(at + kRecordHead + offset)};
    }
    const auto* length = reinterpret_cast<const std::uint8_t*>(buffer_) + at + 10;
    at += kRecordHead + ((std::size_t{length[0]} << 8U) | length[1]);
  });
}

bool Response::add_soa(const zone::Zone& zone, NameAt origin_at) {
  const zone::Zone::NegativeSoa& soa = zone.negative_soa();
  if (!fits(soa.size)) {
    return false;
  }
  const std::size_t begin = size_;
  append({soa.wire.data(), soa.size});
  for (unsigned i = 0; i < soa.patches; ++i) {
    put16(begin + soa.patch[i], 0xc000U | origin_at);
  }
  ++counts_[static_cast<unsigned>(Section::kAuthority)];
  return true;
}

NameAt Response::add_cname(NameAt owner, std::uint32_t ttl, std::string_view target) {
  return add_record(Section::kAnswer, owner, Type::kCname, Class::kIn, ttl, target) ? last_rdata_
                                                                                    : NameAt{0};
}

bool Response::add_record(Section section, NameAt owner, Type type, Class dns_class,
                          std::uint32_t ttl, std::string_view rdata) {
  if (!fits(kRecordHead + rdata.size())) {
    return false;
  }
  const std::size_t begin = size_;
  size_ += kRecordHead;
  put16(begin, 0xc000U | owner);
  put16(begin + 2, static_cast<unsigned>(type));
  put16(begin + 4, static_cast<unsigned>(dns_class));
  put16(begin + 6, ttl >> 16U);
  put16(begin + 8, ttl & 0xffffU);
  put16(begin + 10, static_cast<unsigned>(rdata.size()));
  append(rdata);
  last_rdata_ = static_cast<NameAt>(begin + kRecordHead);
  ++counts_[static_cast<unsigned>(section)];
  return true;
}

std::size_t write_opt(std::uint16_t udp_size, Rcode rcode, bool dnssec_ok, std::string_view options,
                      char* buffer) {
  buffer[0] = '\0';
  write16(buffer + 1, static_cast<unsigned>(Type::kOpt));
  write16(buffer + 3, udp_size);
  write16(buffer + 5, (static_cast<unsigned>(rcode) >> 4U) << 8U);  // version 0
  write16(buffer + 7, dnssec_ok ? 0x8000U : 0U);
  write16(buffer + 9, static_cast<unsigned>(options.size()));
  std::memcpy(buffer + kOptSize, options.data(), options.size());
  return kOptSize + options.size();
}

void Response::add_opt(std::uint16_t udp_size, Rcode rcode, bool dnssec_ok,
                       std::string_view options) {
  size_ += write_opt(udp_size, rcode, dnssec_ok, options, buffer_ + size_);
  ++counts_[static_cast<unsigned>(Section::kAdditional)];
}

std::size_t Response::finish(const Head& head) {
  put16(0, query_.id);
  const unsigned opcode = static_cast<unsigned>(query_.opcode) << 3U;
  buffer_[2] = static_cast<char>(0x80U | opcode | (head.authoritative ? 0x04U : 0U) |
                                 (head.truncated ? 0x02U : 0U) | (query_.flags1 & 0x01U));
  // RFC 4035 section 3.2.2: CD is copied.
  buffer_[3] = static_cast<char>((head.recursion_available ? 0x80U : 0U) | (query_.flags2 & 0x10U) |
                                 (static_cast<unsigned>(head.rcode) & 0x0fU));
  put16(4, query_.question_size != 0 ? 1 : 0);
  put16(6, counts_[0]);
  put16(8, counts_[1]);
  put16(10, counts_[2]);
  return size_;
}

}  // namespace mcns
