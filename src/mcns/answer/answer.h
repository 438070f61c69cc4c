// The answer of the zones to one question: RFC 1034 section 4.3.2, with wildcards (RFC 4592), DNAME
// (RFC 6672), negative answers (RFC 2308, 8020), referrals (RFC 9471) and ANY (RFC 8482).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mcns/cookie/cookie.h"
#include "mcns/special/special.h"
#include "mcns/wire/codes.h"
#include "mcns/wire/query.h"
#include "mcns/zone/store.h"

namespace mcns {

// Where a client is among the networks that were declared: which addresses of a name it gets first.
class Vicinity {
 public:
  enum class Place : std::uint8_t {
    kNear,       // in the client's own network
    kAnywhere,   // in none that was declared
    kElsewhere,  // in another one
  };
  virtual ~Vicinity() = default;
  // Of an address of 4 or 16 octets.
  virtual Place place_of(std::string_view address) const = 0;
  // Those elsewhere are left out, unless there are no others.
  virtual bool only_reachable() const = 0;
  virtual std::string_view network() const = 0;  // the client's; empty when it is in none
};

// What of the client decides what it gets.
struct Client {
  bool stream = false;                 // TCP: no limit but 64 KiB
  bool may_recurse = false;            // for names that are not ours
  const Vicinity* vicinity = nullptr;  // null: addresses go out as those of everybody
  // What its cookie is answered with; nothing when it has sent none that is well formed, or when
  // there are no cookies.
  std::optional<cookie::Checked> cookie = std::nullopt;
};

enum class AnyAnswer : std::uint8_t { kMinimal, kHinfo, kFull };  // the last over streams only

struct AnswerOptions {
  std::uint16_t udp_size = 1232;  // most octets of an answer by UDP
  AnyAnswer any = AnyAnswer::kMinimal;
  bool rotate = true;    // the records of an RRset, from question to question
  std::string nsid;      // for who asks (RFC 5001); empty = none
  std::string identity;  // what CH TXT id.server. and version.bind. say; empty = REFUSED
  bool cookies = false;  // a malformed one is FORMERR
  // Who may recurse gets what the servers of a delegation say, not where they are.
  bool follow_delegations = false;
  // How long a quiet connection stays, in tenths of a second, for who asks (RFC 7828); 0 = not
  // told.
  std::uint16_t keepalive = 0;
};

struct Answer {
  enum class Kind : std::uint8_t {
    kReply,    // `size` octets of the buffer are the response
    kDrop,     // no response at all
    kForward,  // `target` has to be asked of an upstream
  };
  Kind kind = Kind::kDrop;
  Rcode rcode = Rcode::kNoError;
  std::size_t size = 0;
  // Whose answer it is, for who counts them: all labels of the question's name, or the last ones,
  // from which a wildcard or a DNAME made it.
  std::uint8_t labels = 0;
  // With kForward: the question's own name, or where a chain in our zones leads to. The buffer then
  // holds a response with the chain, without OPT, `size` octets of it. Valid until the next answer,
  // as long as the version.
  std::string_view target;
  // With kForward, when it is an ALIAS that leads to `target`: whose the target's addresses are to
  // be, and their longest TTL. The buffer then holds the answer for a target without addresses.
  // To be asked for every client: it is data of ours.
  struct Alias {
    std::string_view owner;
    std::uint32_t ttl = 0;
  };
  std::optional<Alias> alias;
  // With kForward, when `target` is below a delegation in a zone of ours, which is to be followed:
  // its servers are to be asked. Valid as long as the version.
  struct Cut {
    const zone::Zone* zone = nullptr;
    std::size_t labels = 0;  // of `target`, the last ones: the name that has the NS records
  };
  std::optional<Cut> cut;
};

// Is told why an answer is what it is, for `explain`: "zone", "example.test. serial 2026112601".
class Trace {
 public:
  virtual ~Trace() = default;
  virtual void note(std::string_view step, std::string_view what) = 0;
};

constexpr unsigned kChaseMax = 16;  // links of CNAME and DNAME

// Neither allocates nor locks, apart from tracing. One a thread.
class Answerer {
 public:
  explicit Answerer(AnswerOptions options) { set_options(std::move(options)); }
  void set_options(AnswerOptions options);

  // The answer to a packet of which `parse_query` said `parsed`.
  Answer answer(const zone::Version& version, ParseResult parsed, const Query& query,
                const Client& client, char* buffer, std::size_t buffer_size,
                Trace* trace = nullptr);

  // The answer to `packet`, whose parts are left in `query`. `buffer` has room for `buffer_size`
  // octets: 64 KiB for streams, `udp_size` for datagrams.
  Answer answer(const zone::Version& version, std::string_view packet, const Client& client,
                Query& query, char* buffer, std::size_t buffer_size, Trace* trace = nullptr);

  // The same for a query that was parsed and is a question of class IN.
  Answer answer(const zone::Version& version, const Query& query, const Client& client,
                char* buffer, std::size_t buffer_size, Trace* trace = nullptr);

  // A response without records; with OPT and the extended error (RFC 8914) when the client speaks
  // EDNS.
  std::size_t error(const Query& query, const Client& client, Rcode rcode,
                    std::optional<ExtendedError> extended, char* buffer) const;

  // Responses without records, hardly larger than what was asked. One sends its client to TCP; the
  // other, for who has sent a cookie, back with the one that is in it (RFC 7873 section 5.2.3).
  std::size_t cut_short(const Query& query, const Client& client, char* buffer) const;
  std::size_t bad_cookie(const Query& query, const Client& client, char* buffer) const;

  // The answer of a name that is special (RFC 6761), as if a zone of ours had it.
  std::size_t special(const Query& query, const Client& client, const SpecialAnswer& answer,
                      char* buffer) const;

  // How many octets a response to `query` may have.
  std::size_t limit(const Query& query, const Client& client) const;
  // The OPT record that goes behind a response of an upstream's to `query`, in wire form; empty
  // when the client does not speak EDNS.
  std::string_view opt(const Query& query, const Client& client, Rcode rcode,
                       std::optional<ExtendedError> extended, char* room) const;

 private:
  std::size_t bare(const Query& query, const Client& client, Rcode rcode, bool truncated,
                   char* buffer) const;
  Answer chaos(const Query& query, const Client& client, char* buffer) const;

  AnswerOptions options_;
  unsigned turn_ = 0;
  std::array<char, kNameMax> target_;  // of the last answer that was to be forwarded
};

}  // namespace mcns
