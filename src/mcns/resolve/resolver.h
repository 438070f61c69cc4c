// From a packet to its answer: the zones, then names that never leave the house, then the cache,
// then upstreams.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "mcns/answer/answer.h"
#include "mcns/cache/cache.h"
#include "mcns/cookie/jar.h"
#include "mcns/events/query_events.h"
#include "mcns/forward/chain.h"
#include "mcns/forward/forwarder.h"
#include "mcns/resolve/counters.h"
#include "mcns/resolve/networks.h"
#include "mcns/resolve/rules.h"
#include "mcns/rrl/limiter.h"
#include "mcns/zone/store.h"

namespace mcns {

// The cache counts milliseconds, what is measured nanoseconds, both of monotonic time.
inline constexpr std::int64_t kNsPerMs = 1'000'000;

// What all workers share; outlives them. The forwarder may be null: then nothing is forwarded.
struct ResolverParts {
  zone::Store& zones;
  Cache& cache;
  Forwarder* forwarder = nullptr;
  SharedRules rules;
  const Networks* networks = nullptr;  // null: every client gets the same
  QueryEvents* events = nullptr;       // told of every answer while somebody wants to know
  const cookie::SharedSecrets* cookies = nullptr;  // null: there are no cookies
  rrl::Options rrl;
  Prefixes rrl_exempt = {};
};

// A question that waits for an upstream; all that its answer takes.
struct Pending {
  Bytes packet;
  Client client;
  Transport transport = Transport::kUdp;
  Bytes chain;   // a response with the links found in our zones; empty when there are none
  Bytes target;  // where they lead to, in wire form
  std::optional<AliasLink> alias;  // the last link
  bool below_cut = false;          // the target is, as of ForwardQuestion
  std::uint64_t generation = 0;    // as of ForwardQuestion
  sockaddr_storage peer{};
  std::uint8_t labels = 0;    // as of Answer
  std::int64_t asked_ns = 0;  // when it was read: monotonic
};

// A packet that was read, and where its name will be looked for.
struct Asked {
  ParseResult parsed = ParseResult::kDrop;
  Query query;  // refers into the packet
  const zone::Zone* zone = nullptr;
};

// What of a client at that address decides what it gets.
Client client_at(const ResolverParts& parts, const ResolverRules& rules,
                 const dsl::env::AddressBits& address, bool stream);

// One a worker, confined to its thread.
class Resolver {
 public:
  Resolver(const ResolverParts& parts, Counters& counters);

  // Goes by the rules of now on.
  void renew_rules() {
    rules_ = parts_.rules.get();
    answerer_.set_options(rules_->answer);
  }

  enum class Outcome : std::uint8_t {
    kReply,  // `size` octets of the buffer
    kDrop,
    kPending,  // `pending` is to be handed to `forward`
  };
  struct Handled {
    Outcome outcome = Outcome::kDrop;
    std::size_t size = 0;
    Rcode rcode = Rcode::kNoError;  // with the bits that stand in the OPT record
    AnswerPath path = AnswerPath::kZone;
    Limited limited = Limited::kNone;
  };
  // Around a batch, with the time: what its questions took, each as much as the others. To be
  // called before a version is pinned, so that what the writer flushes from then on is noticed.
  void begin(std::int64_t now_ns);
  void end(std::int64_t now_ns, std::size_t questions);
  // Reads a packet. Of a batch every packet is read first, then `look_ahead` is called for each
  // with each step, then `handle`: so no question waits for memory alone.
  static void read(const zone::Version& version, std::string_view packet, Asked& asked);
  void look_ahead(const Asked& asked, Ahead step) {
    if (asked.zone != nullptr) {
      asked.zone->prefetch(asked.query.name, asked.query.name.labels, step);
    } else if (asked.parsed == ParseResult::kOk && parts_.forwarder != nullptr) {
      parts_.cache.prefetch(asked.query, step);
    }
  }
  // `buffer` has room for `buffer_size` octets: 64 KiB for streams, `udp_size` for datagrams.
  Handled handle(const zone::Version& version, const Asked& asked, std::string_view packet,
                 const sockaddr* peer, Transport transport, std::int64_t now_ms, char* buffer,
                 std::size_t buffer_size, Pending& pending);

  // Asks an upstream; `done` is called once, on the forwarder's thread or at once.
  void forward(const Pending& pending, std::function<void(const ForwardAnswer&)> done);
  // The response to the question that waited. Its size; 0 when there is to be none.
  std::size_t complete(const Pending& pending, const ForwardAnswer& answer, std::int64_t now_ms,
                       char* buffer, std::size_t buffer_size);

 private:
  static constexpr std::size_t kMessageMax = 65535;
  static constexpr std::size_t kOptRoom = 512;  // a response with nothing but an OPT record

  // The answer, whoever has it, uncounted.
  Handled find(const zone::Version& version, const Asked& asked, std::string_view packet,
               const sockaddr* peer, const Client& client, Transport transport, std::int64_t now_ms,
               char* buffer, std::size_t buffer_size, Pending& pending, std::uint8_t& labels);
  // Of an upstream, uncounted.
  Handled finish(const Query& query, const Pending& pending, const ForwardAnswer& answer,
                 char* buffer, std::size_t buffer_size);
  // An answer on its way out: counted, and cut short or dropped when its client has had too many,
  // with the code of what is sent, or would have been.
  Handled send(const Query& query, ParseResult parsed, const Client& client,
               const dsl::env::AddressBits& from, std::uint8_t labels, std::int64_t now_ms,
               const Handled& found, char* buffer);
  // In place of an answer that is one too many: what proves where its client is.
  Handled slip(const Query& query, const Client& client, char* buffer) const;
  Handled from_cache(const Query& query, const Client& client, bool below_cut, std::int64_t now_ms,
                     char* buffer, std::size_t buffer_size);
  void prefetch(ForwardQuestion question);
  // The response when the question, or where its chain leads to, is a name that never leaves the
  // house; kPending when it is not.
  Handled special(const Query& query, const Client& client, const Answer& answer, char* buffer);
  // What is told of an answer, beside itself.
  struct Told {
    AnswerPath path = AnswerPath::kZone;
    Rcode rcode = Rcode::kNoError;
    Limited limited = Limited::kNone;
    Transport transport = Transport::kUdp;
    std::int64_t asked_ns = 0;
  };
  // Whoever wants to know of answers: nothing but a look while nobody does.
  void tell(const Told& told, const Query& query, std::string_view packet, const sockaddr* peer,
            std::string_view response) {
    if (events_) {
      if (const std::uint8_t readers = events_->readers_of(told.rcode, told.limited)) {
        put_event(readers, told, query, packet, peer, response);
      }
    }
  }
  void put_event(std::uint8_t readers, const Told& told, const Query& query,
                 std::string_view packet, const sockaddr* peer, std::string_view response);
  Handled cached_chain(const Query& query, const Pending& pending, std::int64_t now_ms,
                       char* buffer);
  // Appends the OPT record of a response that lies in the buffer; the size with it.
  std::size_t add_opt(const Query& query, const Client& client, Rcode rcode,
                      std::optional<ExtendedError> extended, char* buffer, std::size_t size) const;
  Handled join(const Query& query, const Pending& pending, const ForwardAnswer& answer,
               char* buffer);
  static ForwardQuestion question(const Query& query, std::string_view target, bool below_cut,
                                  std::uint64_t generation);
  // Of what the chain so far leads to.
  static ForwardQuestion question(const Query& query, const Pending& pending);

  const ResolverParts& parts_;
  Counters& counters_;
  std::shared_ptr<const ResolverRules> rules_;
  Answerer answerer_;
  cookie::Jar jar_;
  rrl::Limiter limiter_;
  std::optional<EventSource> events_;
  std::uint64_t generation_ = 0;  // of the cache, when the batch at hand began
  // Of the batch at hand: when it began, and what had been counted by then.
  std::int64_t began_ns_ = 0;
  std::uint64_t from_zones_before_ = 0;
  std::uint64_t from_cache_before_ = 0;
};

}  // namespace mcns
