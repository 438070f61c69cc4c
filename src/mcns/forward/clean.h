// A response of an upstream, checked and reduced to what belongs to the question.
#pragma once

#include <optional>
#include <string_view>

#include "mcns/forward/forwarder.h"
#include "mcns/wire/codes.h"
#include "mcns/wire/message.h"
#include "mcns/wire/name.h"

namespace mcns {

struct CleanAnswer {
  enum class Kind {
    kGood,
    kFailed,     // the upstream cannot tell: another may
    kMalformed,  // not a whole message, or still truncated
  };
  Kind kind = Kind::kMalformed;
  Rcode rcode = Rcode::kServFail;
  Bytes message;                       // kGood: as Cache::insert takes it, with id 0
  std::optional<ExtendedError> error;  // kFailed: what the upstream says about it (RFC 8914)
};

// `response` has the question of `question`, in whatever case its letters were sent; in the answer
// they are as `question` has them. `authenticated`: its sender has proven to be the upstream, and
// what it says of DNSSEC is passed on (RFC 6840 section 5.8).
CleanAnswer clean_answer(const ForwardQuestion& question, std::string_view response,
                         bool authenticated = false);

// Whether a response with that code is an answer.
bool tells(Rcode rcode);
// The reason that a server gives (RFC 8914).
std::optional<ExtendedError> extended_error(const Message& message);
// `message`, of which what is unrelated is gone, as Cache::insert takes it, with id 0. Nothing when
// it gets too long by that.
std::optional<Bytes> to_be_kept(const ForwardQuestion& question, Message message,
                                bool authenticated);

}  // namespace mcns
