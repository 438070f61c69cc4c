// A response of an upstream, checked and reduced to what belongs to the question.
#pragma once

#include <optional>
#include <string_view>

#include "mcns/forward/forwarder.h"
#include "mcns/wire/codes.h"
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

// `response` has the question of `question`, byte for byte.
CleanAnswer clean_answer(const ForwardQuestion& question, std::string_view response);

}  // namespace mcns
