#include <algorithm>
#include <unordered_map>

#include "mcns/wire/message.h"
#include "mcns/wire/rdata_names.h"

namespace mcns {
namespace {

constexpr std::size_t kPointerMax = 0x3fff;
constexpr std::size_t kMessageMax = 65535;
constexpr std::size_t kRdataMax = 65535;
constexpr std::size_t kOptFixed = 11;

void put8(Bytes& out, std::uint32_t value) { out += static_cast<char>(value & 0xffU); }
void put16(Bytes& out, std::uint32_t value) {
  put8(out, value >> 8U);
  put8(out, value);
}
void put32(Bytes& out, std::uint32_t value) {
  put16(out, value >> 16U);
  put16(out, value);
}

void set16(Bytes& out, std::size_t at, std::size_t value) {
  out[at] = static_cast<char>(value >> 8U);
  out[at + 1] = static_cast<char>(value & 0xffU);
}

// Remembers names by where they were written; those have to outlive it. The case has to be equal
// too, so that each name arrives as it was.
class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}

  void put_name(BytesView wire) {
    while (wire.size() > 1) {
      if (const auto found = places_.find(wire); found != places_.end()) {
        put16(out_, 0xc000U | static_cast<std::uint32_t>(found->second));
        return;
      }
      if (out_.size() <= kPointerMax) {
        places_.emplace(wire, out_.size());
      }
      const std::size_t label = 1U + static_cast<std::uint8_t>(wire[0]);
      out_ += wire.substr(0, label);
      wire.remove_prefix(label);
    }
    out_ += '\0';
  }

  // False when its rdata are more than any record can hold.
  bool put_record(const Record& record) {
    if (record.rdata.size() > kRdataMax) {
      return false;
    }
    put_name(record.name.wire());
    put16(out_, static_cast<std::uint32_t>(record.type));
    put16(out_, static_cast<std::uint32_t>(record.dns_class));
    put32(out_, record.ttl);
    const std::size_t length_at = out_.size();
    put16(out_, 0);
    put_rdata(record.type, record.rdata);
    set16(out_, length_at, out_.size() - length_at - 2);
    return true;
  }

 private:
  // Rdata that is not of the form of its type goes out as it is.
  void put_rdata(Type type, BytesView rdata) {
    const RdataNames* layout = find_rdata_names(type);
    if (layout == nullptr || !layout->sent_compressed || !has_names(*layout, rdata)) {
      out_ += rdata;
      return;
    }
    std::size_t at = layout->octets;
    out_ += rdata.substr(0, at);
    for (unsigned i = 0; i < layout->names; ++i) {
      const std::size_t size = *name_size_at(rdata, at);
      put_name(rdata.substr(at, size));
      at += size;
    }
    out_ += rdata.substr(at);
  }

  static bool has_names(const RdataNames& layout, BytesView rdata) {
    std::size_t at = layout.octets;
    for (unsigned i = 0; i < layout.names; ++i) {
      const auto size = name_size_at(rdata, at);
      if (!size) {
        return false;
      }
      at += *size;
    }
    return true;
  }

  Bytes& out_;
  std::unordered_map<BytesView, std::size_t> places_;
};

std::size_t size_of(const Edns& edns) {
  std::size_t size = kOptFixed;
  for (const EdnsOption& option : edns.options) {
    size += 4 + option.data.size();
  }
  return size;
}

// RFC 6891 section 6.1.
void put_edns(Bytes& out, const Edns& edns, std::uint32_t rcode) {
  out += '\0';
  put16(out, static_cast<std::uint32_t>(Type::kOpt));
  put16(out, edns.udp_size);
  put8(out, rcode >> 4U);
  put8(out, edns.version);
  put16(out, edns.dnssec_ok ? 0x8000U : 0);
  put16(out, static_cast<std::uint32_t>(size_of(edns) - kOptFixed));
  for (const EdnsOption& option : edns.options) {
    put16(out, option.code);
    put16(out, static_cast<std::uint32_t>(option.data.size()));
    out += option.data;
  }
}

void put_header(Bytes& out, const Message& message) {
  const auto bit = [](bool set, std::uint32_t value) { return set ? value : 0; };
  put16(out, message.id);
  put8(out, bit(message.response, 0x80) |
                ((static_cast<std::uint32_t>(message.opcode) & 0x0fU) << 3U) |
                bit(message.authoritative, 0x04) | bit(message.truncated, 0x02) |
                bit(message.recursion_desired, 0x01));
  put8(out, bit(message.recursion_available, 0x80) | bit(message.authentic_data, 0x20) |
                bit(message.checking_disabled, 0x10) |
                (static_cast<std::uint32_t>(message.rcode) & 0x0fU));
  out.append(8, '\0');  // counts
}

}  // namespace

Bytes Message::encode(std::size_t size_max) const {
  const auto rcode_bits = static_cast<std::uint32_t>(rcode);
  MC_ASSERT(rcode_bits < 16 || edns, "the upper bits of an rcode need an OPT record");
  const std::size_t edns_size = edns ? size_of(*edns) : 0;
  size_max = std::min(size_max, kMessageMax);

  Bytes out;
  put_header(out, *this);
  Writer writer(out);
  for (const Question& question : questions) {
    writer.put_name(question.name.wire());
    put16(out, static_cast<std::uint32_t>(question.type));
    put16(out, static_cast<std::uint32_t>(question.dns_class));
  }
  set16(out, 4, questions.size());

  bool full = false;
  std::size_t count_at = 6;
  for (const std::vector<Record>* section : {&answers, &authorities, &additionals}) {
    std::size_t count = 0;
    for (auto record = section->begin(); record != section->end() && !full; ++record) {
      const std::size_t before = out.size();
      full = !writer.put_record(*record) || out.size() + edns_size > size_max;
      if (full) {
        out.resize(before);
      } else {
        ++count;
      }
    }
    // The OPT record is one of the additional section.
    set16(out, count_at, count + (section == &additionals && edns ? 1 : 0));
    count_at += 2;
  }
  if (full) {
    out[2] = static_cast<char>(static_cast<std::uint8_t>(out[2]) | 0x02U);
  }
  if (edns) {
    put_edns(out, *edns, rcode_bits);
  }
  return out;
}

}  // namespace mcns
