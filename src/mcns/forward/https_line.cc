#include "mcns/forward/https_line.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "mcns/wire/message.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::size_t kWaitingMax = 16384;
constexpr const char* kHttp2 = "h2";  // of ALPN (RFC 9113 section 3.2)

// RFC 8484 section 5.1: what a cache of HTTP's had for a while has so much less to live. Nothing
// when it is no message.
std::optional<Bytes> aged(Bytes octets, std::uint32_t age_s) {
  if (age_s == 0) {
    return octets;
  }
  auto message = Message::parse(octets);
  if (!message) {
    return std::nullopt;
  }
  for (auto* records : {&message->answers, &message->authorities, &message->additionals}) {
    for (Record& record : *records) {
      record.ttl -= std::min(record.ttl, age_s);
    }
  }
  return message->encode();
}

}  // namespace

HttpsLine::HttpsLine(Place place, Http2Asker::Target target, ChannelEvents& events)
    : StreamLine(place, events),
      target_(std::move(target)),
      later_(place.loop, [this] { tell_done(); }) {}

Result<std::uint32_t> HttpsLine::send(Attempt attempt, const Packet& packet) {
  // RFC 9113 section 6.8: after a GOAWAY the next question takes another connection. Those that are
  // under way are asked again over it.
  if (asker_ && !asker_->takes_more()) {
    close("it takes no more requests over this connection");
  }
  if (waiting_.size() >= kWaitingMax) {
    return fail(Code::kUnavailable, "too many questions are under way");
  }
  MC_TRY(prepare());
  MC_ASSIGN(const std::int32_t stream, asker_->ask(*packet));
  waiting_[stream] = {attempt, packet};
  want_write();
  return static_cast<std::uint32_t>(stream);
}

void HttpsLine::forget(std::uint32_t place) {
  const auto stream = static_cast<std::int32_t>(place);
  if (waiting_.erase(stream) > 0) {
    asker_->cancel(stream);
    want_write();
  }
}

void HttpsLine::begin() {
  asker_ = std::make_unique<Http2Asker>(target_);
  ++connection_;
}

Result<void> HttpsLine::opened() {
  if (alpn() != kHttp2) {
    return fail(Code::kUnavailable, "it does not speak HTTP/2");
  }
  return {};
}

void HttpsLine::ended() { asker_.reset(); }

void HttpsLine::take(std::string_view input) {
  asker_->receive(input);
  tell_done();
}

void HttpsLine::produce(Bytes& output) {
  asker_->produce(output);
  if (asker_->has_done() || !asker_->failure().empty()) {
    later_.set(loop().now());  // whoever is told may end the connection that is being written to
  }
}

std::vector<Attempt> HttpsLine::take_all() {
  std::vector<Attempt> attempts;
  for (const auto& [stream, waiting] : waiting_) {
    attempts.push_back(waiting.attempt);
  }
  waiting_.clear();
  return attempts;
}

// Whoever is told may ask anew, and that may end the connection: what was under way on it is broken
// then, and streams of the next one have the same numbers.
void HttpsLine::tell_done() {
  if (!asker_) {
    return;
  }
  const std::uint64_t connection = connection_;
  for (Http2Asker::Done& done : asker_->take_done()) {
    const auto found = connection == connection_ ? waiting_.find(done.stream) : waiting_.end();
    if (found == waiting_.end()) {
      continue;
    }
    const Waiting waiting = std::move(found->second);
    waiting_.erase(found);
    if (!done.message) {
      events().on_broken({waiting.attempt}, done.unseen, done.why);
      continue;
    }
    const auto message = aged(*std::move(done.message), done.age_s);
    if (!message || !is_answer_to(waiting.packet, *message)) {
      events().on_broken({waiting.attempt}, false, "sent no answer to the question");
      continue;
    }
    answered();
    events().on_message(waiting.attempt, *message);
  }
  if (asker_ && connection == connection_ && !asker_->failure().empty()) {
    const std::string why = asker_->failure();
    close(why);
  }
}

}  // namespace mcns
