// The answer of the zones to one question: RFC 1034 section 4.3.2, with wildcards (RFC 4592), DNAME
// (RFC 6672), negative answers (RFC 2308, 8020), referrals (RFC 9471) and ANY (RFC 8482).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mcns/wire/codes.h"
#include "mcns/wire/query.h"
#include "mcns/zone/store.h"

namespace mcns {

// What of the client decides what it gets.
struct Client {
  bool stream = false;       // TCP: no limit but 64 KiB, ANY in full when configured
  bool may_recurse = false;  // for names that are not ours
};

enum class AnyAnswer : std::uint8_t { kMinimal, kHinfo, kFull };

struct AnswerOptions {
  std::uint16_t udp_size = 1232;
  AnyAnswer any = AnyAnswer::kMinimal;
  bool rotate = true;              // order of the records of an RRset, per query
  bool follow_delegations = true;  // for clients that may recurse
  std::string_view nsid;
  std::string_view identity;       // what CH TXT id.server and version.bind say; empty = REFUSED
  unsigned chase_max = 16;         // links of CNAME and DNAME
};

struct Answer {
  enum class Kind : std::uint8_t {
    kReply,    // `size` octets are the response
    kDrop,
    kForward,  // the rest is not ours: `target` has to be asked of an upstream
  };
  Kind kind = Kind::kDrop;
  std::size_t size = 0;
  Rcode rcode = Rcode::kNoError;
  // With kForward: the question's own name, or where a chain of our zones leads to; the records of
  // the chain are the response so far, and `size` is theirs. Owned by the answerer until the next
  // question.
  std::string_view target;
  bool delegated = false;  // a cut of ours leads there: its servers are in the authority section
};

// Says why an answer is what it is: `explain`. Each call is a line of the trace.
class Trace {
 public:
  virtual ~Trace() = default;
  virtual void note(std::string_view step, std::string_view what) = 0;
};

// One a thread. Neither allocates nor locks.
class Answerer {
 public:
  explicit Answerer(const AnswerOptions& options) : options_(options) {}

  // `buffer` has room for `size_max` octets: 64 KiB for streams, else as much as any EDNS size that
  // is accepted.
  Answer answer(const zone::Version& version, const Query& query, const Client& client,
                char* buffer, std::size_t size_max, Trace* trace = nullptr);
  // For a packet that is no proper query: header and rcode, with the question when it could be read.
  std::size_t error(const Query& query, Rcode rcode, char* buffer) const;

 private:
  AnswerOptions options_;
  unsigned turn_ = 0;          // for rotation
  char target_[kNameMax + 1];  // of kForward
};

}  // namespace mcns
