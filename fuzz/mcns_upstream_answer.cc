// Any bytes as an upstream's answer: checked against its question, cleaned, kept, and served again.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "mcns/cache/cache.h"
#include "mcns/forward/chain.h"
#include "mcns/forward/child_answer.h"
#include "mcns/forward/clean.h"
#include "mcns/forward/outstanding.h"
#include "mcns/wire/message.h"
#include "mcns/wire/query.h"

namespace {

using namespace mcns;

constexpr std::int64_t kNow = 1'000'000;  // ms

class FixedRandom final : public dsl::env::Random {
 public:
  void fill(std::span<std::byte> out) override { std::fill(out.begin(), out.end(), std::byte{7}); }
};

// The question that `response` would be an answer to.
bool read_question(std::string_view response, ForwardQuestion& question) {
  QueryName name;
  const std::size_t size =
      response.size() < kHeaderSize ? 0 : read_query_name(response.substr(kHeaderSize), name);
  if (size == 0 || response.size() < kHeaderSize + size + 4) {
    return false;
  }
  const auto number = [&](std::size_t at) {
    return static_cast<std::uint16_t>((static_cast<std::uint8_t>(response[at]) << 8U) |
                                      static_cast<std::uint8_t>(response[at + 1]));
  };
  question.name = *Name::from_wire(name.wire);
  question.type = static_cast<Type>(number(kHeaderSize + size));
  question.dns_class = static_cast<Class>(number(kHeaderSize + size + 2));
  question.dnssec_ok = (response[0] & 1) != 0;
  return true;
}

// The channel's part: nothing is read beyond the end, whatever comes.
void match(const Packet& packet, std::string_view response) {
  FixedRandom source;
  RandomPool random(source);
  Outstanding outstanding;
  const auto id = outstanding.add(1, packet, random, LetterCase::kRandom);
  (void)outstanding.take(response);
  if (response.size() >= kHeaderSize) {
    Bytes with_our_id(response);
    with_our_id[0] = static_cast<char>(*id >> 8U);
    with_our_id[1] = static_cast<char>(*id & 0xffU);
    (void)outstanding.take(with_our_id);
  }
}

// Whoever asks in another case gets whole messages, at every age and size.
void serve(Cache& cache, Bytes packet) {
  const auto name = packet.begin() + kHeaderSize;
  const auto name_end = name + static_cast<std::ptrdiff_t>(question_section(packet).size() - 4);
  std::transform(name, name_end, name, to_lower);
  Query query;
  MC_ASSERT(parse_query(packet, query) == ParseResult::kOk, "lengths stay what they are");
  std::array<char, 65535> buffer;
  for (const std::int64_t age_s : {0, 3, 299, 300, 86'699, 90'000}) {
    for (const std::size_t size_max : {std::size_t{512}, std::size_t{1232}, buffer.size()}) {
      const Cache::Hit hit =
          cache.lookup(query, kNow + age_s * 1000, true, buffer.data(), size_max);
      MC_ASSERT(hit.size <= size_max, "the bound is kept");
      if (hit.size == 0) {
        continue;
      }
      const auto served = Message::parse({buffer.data(), hit.size});
      MC_ASSERT(served, "what is served is a message");
      MC_ASSERT(served->response && !served->edns && !served->authentic_data, "the header is ours");
      MC_ASSERT(served->questions.at(0).name.wire() == query.name.wire, "the question is theirs");
      for (const auto* section : {&served->answers, &served->authorities, &served->additionals}) {
        for (const Record& record : *section) {
          MC_ASSERT(record.ttl <= 300, "TTLs have a bound");
        }
      }
    }
  }
}

// Sent in another case than it was asked for, by an upstream that has proven who it is.
void restore_letters(ForwardQuestion question, std::string_view response) {
  question.name = *Name::from_wire(question.name.lower());
  const CleanAnswer clean = clean_answer(question, response, true);
  if (clean.kind == CleanAnswer::Kind::kGood) {
    const auto message = Message::parse(clean.message);
    MC_ASSERT(message, "what is clean is a message");
    for (const Question& each : message->questions) {
      MC_ASSERT(each.name.wire() == question.name.wire(), "nobody sees the case that was sent");
    }
  }
}

// Said by a server of each zone that the name may be delegated to: nothing of other zones is taken
// from it, and it leads nowhere but down.
void read_as_child(const ForwardQuestion& question, std::string_view response) {
  for (std::size_t labels = 1; labels <= question.name.label_count(); ++labels) {
    const Name zone = question.name.suffix(labels);
    const auto is_known_elsewhere = [&](const Name& name) { return name.lower()[1] % 2 == 0; };
    const ChildAnswer answer = read_child_answer(question, zone, is_known_elsewhere, response);
    if (answer.kind == ChildAnswer::Kind::kReferral) {
      MC_ASSERT(answer.referral.zone.is_within(zone) && answer.referral.zone != zone, "down");
      MC_ASSERT(question.name.is_within(answer.referral.zone), "to the name");
      MC_ASSERT(answer.referral.hosts.size() <= Delegation::kHostsMax, "hosts have a bound");
    }
    if (answer.message.empty()) {
      continue;
    }
    const auto message = Message::parse(answer.message);
    MC_ASSERT(message && !message->authentic_data, "what is clean is a message");
    for (const auto* section : {&message->answers, &message->authorities, &message->additionals}) {
      for (const Record& record : *section) {
        MC_ASSERT(record.name.is_within(zone), "it is of the zone");
        MC_ASSERT(record.name == question.name || !is_known_elsewhere(record.name),
                  "it is the child's to tell");
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view response(reinterpret_cast<const char*>(data), size);
  ForwardQuestion question;
  if (!read_question(response, question)) {
    return 0;
  }
  const Packet packet = make_packet(question);
  match(packet, response);
  restore_letters(question, response);
  read_as_child(question, response);
  const CleanAnswer clean = clean_answer(question, response);
  if (clean.kind != CleanAnswer::Kind::kGood) {
    return 0;
  }
  const auto message = Message::parse(clean.message);
  MC_ASSERT(message, "what is clean is a message");
  MC_ASSERT(open_end(question.name, question.type, *message) != question.name,
            "what leads to itself ends there");
  Query query;
  MC_ASSERT(parse_query(*packet, query) == ParseResult::kOk, "what we send is a query");
  static const std::unique_ptr<Cache> kCache = Cache::make({.size_bytes = 1u << 20}, 1);
  kCache->insert(query, clean.message, kNow);
  serve(*kCache, *packet);
  kCache->flush(query.name.wire, true);
  return 0;
}
