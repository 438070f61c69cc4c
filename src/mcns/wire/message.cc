// Reading: `message_encode.cc` writes. `Message::text` is in the unit `rdata`, which knows how
// records look.
#include "mcns/wire/message.h"

#include <array>
#include <utility>

#include "mcns/wire/rdata_names.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::size_t kHeaderOctets = 12;
constexpr std::size_t kRdataMax = 65535;
// A name has at most 127 labels, and no sender needs more than one pointer for each.
constexpr int kPointersMax = 127;

dsl::Failure malformed(std::string_view what) {
  return fail(Code::kInvalidArgument, "malformed DNS message: {}", what);
}

std::size_t octet(BytesView wire, std::size_t at) { return static_cast<std::uint8_t>(wire[at]); }

std::uint16_t number16(BytesView wire, std::size_t at) {
  return static_cast<std::uint16_t>((octet(wire, at) << 8U) | octet(wire, at + 1));
}

std::uint32_t number32(BytesView wire, std::size_t at) {
  return (static_cast<std::uint32_t>(number16(wire, at)) << 16U) | number16(wire, at + 2);
}

// A record as it lies in the message.
struct RawRecord {
  Name name;
  std::uint16_t type = 0;
  std::uint16_t dns_class = 0;
  std::uint32_t ttl = 0;
  std::size_t rdata_begin = 0;
  std::size_t rdata_end = 0;
};

Result<RawRecord> read_record(BytesView wire, std::size_t& at) {
  RawRecord record;
  MC_ASSIGN(record.name, read_name(wire, at));
  if (wire.size() - at < 10) {
    return malformed("a record is cut short");
  }
  record.type = number16(wire, at);
  record.dns_class = number16(wire, at + 2);
  record.ttl = number32(wire, at + 4);
  record.rdata_begin = at + 10;
  record.rdata_end = record.rdata_begin + number16(wire, at + 8);
  if (record.rdata_end > wire.size()) {
    return malformed("the data of a record are cut short");
  }
  at = record.rdata_end;
  return record;
}

// Rdata with the names that may be compressed written out.
Result<Bytes> read_rdata(BytesView wire, const RawRecord& record) {
  const BytesView raw = wire.substr(record.rdata_begin, record.rdata_end - record.rdata_begin);
  const RdataNames* layout = find_rdata_names(static_cast<Type>(record.type));
  // RFC 2136 section 2.4: an UPDATE has records without data of any type.
  if (layout == nullptr || raw.empty()) {
    return Bytes(raw);
  }
  const std::optional<std::size_t> first = first_name_at(*layout, raw);
  if (!first) {
    return malformed("the data of a record end before a name");
  }
  Bytes rdata(raw.substr(0, *first));
  // The name may point out of the data, but must end inside of them.
  std::size_t at = record.rdata_begin + *first;
  for (unsigned i = 0; i < layout->names; ++i) {
    MC_ASSIGN(const Name name, read_name(wire.substr(0, record.rdata_end), at));
    rdata += name.wire();
  }
  rdata += wire.substr(at, record.rdata_end - at);
  if (rdata.size() > kRdataMax) {
    return malformed("the data of a record are too long without compression");
  }
  return rdata;
}

Result<std::vector<EdnsOption>> read_options(BytesView rdata) {
  std::vector<EdnsOption> options;
  for (std::size_t at = 0; at < rdata.size();) {
    if (rdata.size() - at < 4 || rdata.size() - at - 4 < number16(rdata, at + 2)) {
      return malformed("an EDNS option is cut short");
    }
    const std::size_t size = number16(rdata, at + 2);
    options.push_back({.code = number16(rdata, at), .data = Bytes(rdata.substr(at + 4, size))});
    at += 4 + size;
  }
  return options;
}

// RFC 6891 section 6.1: class and TTL of an OPT record mean something else.
Result<void> read_edns(BytesView wire, const RawRecord& record, Message& message) {
  if (message.edns) {
    return malformed("two OPT records");
  }
  if (!record.name.is_root()) {
    return malformed("an OPT record of another name than the root");
  }
  Edns edns;
  edns.udp_size = record.dns_class;
  edns.version = static_cast<std::uint8_t>(record.ttl >> 16U);
  edns.dnssec_ok = (record.ttl & 0x8000U) != 0;
  MC_ASSIGN(edns.options,
            read_options(wire.substr(record.rdata_begin, record.rdata_end - record.rdata_begin)));
  message.rcode = static_cast<Rcode>(static_cast<std::uint16_t>(message.rcode) |
                                     ((record.ttl >> 20U) & 0xff0U));
  message.edns = std::move(edns);
  return {};
}

Result<Question> read_question(BytesView wire, std::size_t& at) {
  Question question;
  MC_ASSIGN(question.name, read_name(wire, at));
  if (wire.size() - at < 4) {
    return malformed("a question is cut short");
  }
  question.type = static_cast<Type>(number16(wire, at));
  question.dns_class = static_cast<Class>(number16(wire, at + 2));
  at += 4;
  return question;
}

Result<void> read_section(BytesView wire, std::size_t& at, unsigned count, bool additional,
                          std::vector<Record>& records, Message& message) {
  for (unsigned i = 0; i < count; ++i) {
    MC_ASSIGN(RawRecord raw, read_record(wire, at));
    if (static_cast<Type>(raw.type) == Type::kOpt) {
      if (!additional) {
        return malformed("an OPT record outside of the additional section");
      }
      MC_TRY(read_edns(wire, raw, message));
      continue;
    }
    MC_ASSIGN(Bytes rdata, read_rdata(wire, raw));
    records.push_back({.name = std::move(raw.name),
                       .type = static_cast<Type>(raw.type),
                       .dns_class = static_cast<Class>(raw.dns_class),
                       // RFC 2181 section 8: with the highest bit set it counts as zero.
                       .ttl = raw.ttl > 0x7fffffffU ? 0 : raw.ttl,
                       .rdata = std::move(rdata)});
  }
  return {};
}

Message read_header(BytesView wire) {
  const std::size_t flags1 = octet(wire, 2);
  const std::size_t flags2 = octet(wire, 3);
  Message message;
  message.id = number16(wire, 0);
  message.response = (flags1 & 0x80U) != 0;
  message.opcode = static_cast<Opcode>((flags1 >> 3U) & 0x0fU);
  message.authoritative = (flags1 & 0x04U) != 0;
  message.truncated = (flags1 & 0x02U) != 0;
  message.recursion_desired = (flags1 & 0x01U) != 0;
  message.recursion_available = (flags2 & 0x80U) != 0;
  message.authentic_data = (flags2 & 0x20U) != 0;
  message.checking_disabled = (flags2 & 0x10U) != 0;
  message.rcode = static_cast<Rcode>(flags2 & 0x0fU);
  return message;
}

}  // namespace

Result<Message> Message::parse(BytesView wire) {
  if (wire.size() < kHeaderOctets) {
    return malformed("it is shorter than a header");
  }
  Message message = read_header(wire);
  std::size_t at = kHeaderOctets;
  for (unsigned i = number16(wire, 4); i > 0; --i) {
    MC_ASSIGN(Question question, read_question(wire, at));
    message.questions.push_back(std::move(question));
  }
  MC_TRY(read_section(wire, at, number16(wire, 6), false, message.answers, message));
  MC_TRY(read_section(wire, at, number16(wire, 8), false, message.authorities, message));
  MC_TRY(read_section(wire, at, number16(wire, 10), true, message.additionals, message));
  if (at != wire.size()) {
    return malformed("octets are left over behind the last section");
  }
  return message;
}

Result<Name> read_name(BytesView message, std::size_t& offset) {
  std::array<char, kNameMax> name;
  std::size_t size = 0;
  std::size_t at = offset;
  std::size_t before = offset;  // where the next pointer has to point before
  int pointers = 0;
  while (true) {
    if (at >= message.size()) {
      return malformed("a name is cut short");
    }
    const std::size_t length = octet(message, at);
    if (length <= kLabelMax) {
      if (message.size() - at < 1 + length) {
        return malformed("a label is cut short");
      }
      if (size + 1 + length > kNameMax) {
        return malformed("a name is longer than 255 octets");
      }
      message.copy(name.data() + size, 1 + length, at);
      size += 1 + length;
      at += 1 + length;
      if (length == 0) {
        break;
      }
      continue;
    }
    if (length < 0xc0) {
      return malformed("a label of an unknown kind");  // RFC 6891 section 5
    }
    if (message.size() - at < 2) {
      return malformed("a compression pointer is cut short");
    }
    const std::size_t target = number16(message, at) & 0x3fffU;
    // RFC 1035 section 4.1.4: to a prior occurrence. So no loop is possible.
    if (target >= before || ++pointers > kPointersMax) {
      return malformed("a compression pointer that does not point backwards");
    }
    if (pointers == 1) {
      offset = at + 2;
    }
    at = target;
    before = target;
  }
  if (pointers == 0) {
    offset = at;
  }
  return Name::from_wire(BytesView(name.data(), size));
}

}  // namespace mcns
