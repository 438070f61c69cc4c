#include "mcns/forward/clean.h"

#include <algorithm>
#include <utility>

#include "mcns/forward/bailiwick.h"
#include "mcns/forward/letter_case.h"
#include "mcns/wire/message.h"
#include "mcns/wire/octets.h"

namespace mcns {
namespace {

constexpr std::uint8_t kTruncated = 0x02;  // header octet 2

// RFC 2308 section 2.2: servers without an SOA point elsewhere instead of saying that there is
// nothing. Whoever is asked to recurse should not.
bool is_referral(const Message& message) {
  const auto has = [&](Type type) {
    return std::any_of(message.authorities.begin(), message.authorities.end(),
                       [&](const Record& record) { return record.type == type; });
  };
  return message.rcode == Rcode::kNoError && message.answers.empty() && has(Type::kNs) &&
         !has(Type::kSoa);
}

}  // namespace

bool tells(Rcode rcode) {
  return rcode == Rcode::kNoError || rcode == Rcode::kNxDomain || rcode == Rcode::kYxDomain;
}

std::optional<ExtendedError> extended_error(const Message& message) {
  if (!message.edns) {
    return std::nullopt;
  }
  for (const EdnsOption& option : message.edns->options) {
    if (option.code == kOptionExtendedError && option.data.size() >= 2) {
      return static_cast<ExtendedError>(read16(option.data, 0));
    }
  }
  return std::nullopt;
}

std::optional<Bytes> to_be_kept(const ForwardQuestion& question, Message message,
                                bool authenticated) {
  message.id = 0;
  message.authoritative = false;  // we are not
  message.authentic_data = message.authentic_data && authenticated;
  message.recursion_desired = true;
  message.recursion_available = true;
  message.checking_disabled = question.checking_disabled;
  message.edns.reset();
  Bytes kept = message.encode();
  // It may have been small by compressing what we may not compress.
  return (read8(kept, 2) & kTruncated) == 0 ? std::optional(std::move(kept)) : std::nullopt;
}

CleanAnswer clean_answer(const ForwardQuestion& question, std::string_view response,
                         bool authenticated) {
  auto message = Message::parse(response);
  if (!message || message->truncated) {
    return {};
  }
  CleanAnswer clean{.rcode = message->rcode};
  if (!tells(message->rcode) || is_referral(*message)) {
    clean.kind = CleanAnswer::Kind::kFailed;
    clean.error = extended_error(*message);
    return clean;
  }
  if (!message->questions.empty()) {
    const Name sent = message->questions[0].name;
    restore_case(sent, question.name, *message);
  }
  drop_unrelated({question.name, question.type, question.dns_class}, *message);
  auto kept = to_be_kept(question, *std::move(message), authenticated);
  if (!kept) {
    return {};
  }
  clean.message = *std::move(kept);
  clean.kind = CleanAnswer::Kind::kGood;
  return clean;
}

}  // namespace mcns
