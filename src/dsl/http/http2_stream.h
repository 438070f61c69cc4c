// One HTTP/2 stream as its session sees it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dsl/http/call.h"

namespace dsl::http {

// Confined to its session.
struct Http2Stream {
  enum class State { kHead, kGather, kCall };

  std::int32_t id = 0;
  State state = State::kHead;
  RequestHead head;
  std::size_t header_bytes = 0;  // as RFC 9113 section 10.5.1 counts them
  bool expects_continue = false;
  bool request_done = false;
  std::shared_ptr<Call> call;
  env::MonoTime deadline = env::MonoTime::max();  // of the step at hand

  bool responded = false;  // the head of the answer was submitted
  int status = 0;
  std::string pending;  // answer bytes that nghttp2 has not taken
  std::size_t pending_at = 0;
  bool deferred = false;     // nghttp2 waits for more
  bool call_ended = false;   // nothing comes after `pending`
  bool broken = false;       // and what came is not whole
  bool answer_sent = false;  // END_STREAM went out
  std::size_t dropped = 0;   // bytes of the request that came after the answer had begun
};

}  // namespace dsl::http
