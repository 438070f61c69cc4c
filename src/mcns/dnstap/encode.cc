#include "mcns/dnstap/encode.h"

#include "dnstap/dnstap.pb.h"
#include "dsl/result/text.h"
#include "mcns/dnstap/frames.h"
#include "mcns/events/anonymize.h"

namespace mcns::dnstap {
namespace {

namespace pb = ::dnstap;

constexpr std::int64_t kSecond = 1'000'000'000;  // nanoseconds

struct Types {
  pb::Message::Type query;
  pb::Message::Type response;
};

Types types_of(const EventHead& head) {
  if (head.kind == EventHead::Kind::kUpstream) {
    return {pb::Message::FORWARDER_QUERY, pb::Message::FORWARDER_RESPONSE};
  }
  if (head.path == AnswerPath::kZone || head.path == AnswerPath::kSpecial) {
    return {pb::Message::AUTH_QUERY, pb::Message::AUTH_RESPONSE};
  }
  return {pb::Message::CLIENT_QUERY, pb::Message::CLIENT_RESPONSE};
}

void set_peer(const EventHead& head, bool anonymize, pb::Message& out) {
  if (head.kind == EventHead::Kind::kUpstream) {
    out.set_response_address(std::string(head.peer.bytes()));
    out.set_response_port(head.peer.port);
    return;
  }
  if (!anonymize) {
    out.set_query_address(std::string(head.peer.bytes()));
    out.set_query_port(head.peer.port);
    return;
  }
  const EventAddress client = anonymized(head.peer);
  out.set_query_address(std::string(client.bytes()));
}

void append(const pb::Dnstap& message, std::string& out) {
  append_data_frame(message.SerializeAsString(), out);
}

}  // namespace

std::uint64_t messages_of(const Event& event) {
  return (event.query.empty() ? 0U : 1U) + (event.response.empty() ? 0U : 1U);
}

void append_frames(const Event& event, std::int64_t at_ns, const Identity& identity, bool anonymize,
                   std::string& out) {
  const EventHead& head = event.head;
  const Types types = types_of(head);
  pb::Dnstap frame;
  frame.set_identity(identity.server);
  frame.set_version(identity.program);
  frame.set_type(pb::Dnstap::MESSAGE);
  if (head.limited != Limited::kNone) {
    frame.set_extra(dsl::text("rrl: {}", text(head.limited)));
  }
  pb::Message& message = *frame.mutable_message();
  message.set_socket_family(head.peer.is_v6 ? pb::INET6 : pb::INET);
  message.set_socket_protocol(head.stream ? pb::TCP : pb::UDP);
  set_peer(head, anonymize, message);
  message.set_query_time_sec(static_cast<std::uint64_t>(at_ns / kSecond));
  message.set_query_time_nsec(static_cast<std::uint32_t>(at_ns % kSecond));
  if (!event.query.empty()) {
    const bool is_of_client = head.kind == EventHead::Kind::kAnswer;
    message.set_type(types.query);
    message.set_query_message(anonymize && is_of_client ? anonymized_query(event.query)
                                                        : std::string(event.query));
    append(frame, out);
    message.clear_query_message();
  }
  if (!event.response.empty()) {
    const std::int64_t answered_ns = at_ns + head.took_ns;
    message.set_type(types.response);
    message.set_response_time_sec(static_cast<std::uint64_t>(answered_ns / kSecond));
    message.set_response_time_nsec(static_cast<std::uint32_t>(answered_ns % kSecond));
    message.set_response_message(std::string(event.response));
    append(frame, out);
  }
}

}  // namespace mcns::dnstap
