#include "mcns/forward/letter_case.h"

#include <optional>
#include <utility>

#include "mcns/wire/octets.h"
#include "mcns/wire/query.h"
#include "mcns/wire/rdata_names.h"

namespace mcns {
namespace {

constexpr std::size_t kTypeAndClass = 4;
constexpr unsigned kCaseBit = 0x20;
constexpr unsigned kBitsPerNumber = 64;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// `change` gets each letter of the question's name in a copy of `packet`. Sizes of labels are below
// the letters.
template <class Change>
Packet with_letters(const Packet& packet, Change&& change) {
  Bytes copy = *packet;
  const std::size_t end = kHeaderSize + question_section(*packet).size() - kTypeAndClass;
  for (std::size_t at = kHeaderSize; at < end; ++at) {
    if (is_letter(copy[at])) {
      copy[at] = change(copy[at]);
    }
  }
  return std::make_shared<const Bytes>(std::move(copy));
}

// How many octets at the end of `name` are whole labels of `sent`, in its case.
std::size_t shared_end(BytesView name, BytesView sent) {
  std::size_t offset = 0;  // of a label of `name`
  while (name.size() - offset > sent.size()) {
    offset += 1U + read8(name, offset);
  }
  BytesView rest = name.substr(offset);
  while (!rest.empty() && !sent.ends_with(rest)) {
    rest.remove_prefix(1U + read8(rest, 0));
  }
  // The end may begin within a label of `sent`: then its octets are no labels there.
  std::size_t label = 0;
  while (sent.size() - label > rest.size()) {
    label += 1U + read8(sent, label);
  }
  return sent.size() - label == rest.size() ? rest.size() : 0;
}

void restore(Bytes& octets, std::size_t at, std::size_t size, BytesView sent, BytesView asked) {
  const std::size_t shared = shared_end(BytesView(octets).substr(at, size), sent);
  octets.replace(at + size - shared, shared, asked.substr(asked.size() - shared));
}

void restore_rdata(Record& record, BytesView sent, BytesView asked) {
  const RdataNames* layout = find_rdata_names(record.type);
  auto at = layout != nullptr ? first_name_at(*layout, record.rdata) : std::nullopt;
  for (unsigned i = 0; at && i < layout->names; ++i) {
    const auto size = name_size_at(record.rdata, *at);
    if (!size) {
      return;
    }
    restore(record.rdata, *at, *size, sent, asked);
    *at += *size;
  }
}

}  // namespace

Packet with_random_case(const Packet& packet, RandomPool& random) {
  std::uint64_t number = 0;
  unsigned left = 0;
  return with_letters(packet, [&](char letter) {
    if (left == 0) {
      number = random.next();
      left = kBitsPerNumber;
    }
    const unsigned flip = (number & 1U) != 0 ? kCaseBit : 0;
    number >>= 1U;
    --left;
    return static_cast<char>(static_cast<unsigned char>(letter) ^ flip);
  });
}

Packet with_lower_case(const Packet& packet) { return with_letters(packet, to_lower); }

void restore_case(const Name& sent, const Name& asked, Message& message) {
  if (sent.wire() == asked.wire() || sent != asked) {
    return;
  }
  for (Question& question : message.questions) {
    question.name = asked;
  }
  for (auto* section : {&message.answers, &message.authorities, &message.additionals}) {
    for (Record& record : *section) {
      Bytes owner = record.name.wire();
      restore(owner, 0, owner.size(), sent.wire(), asked.wire());
      if (auto restored = Name::from_wire(owner)) {
        record.name = *std::move(restored);
      }
      restore_rdata(record, sent.wire(), asked.wire());
    }
  }
}

}  // namespace mcns
