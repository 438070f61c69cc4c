// One upstream: its channels, what it was asked, how it is doing.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "dsl/net/loop.h"
#include "mcns/events/query_events.h"
#include "mcns/forward/channel.h"
#include "mcns/forward/forwarder.h"
#include "mcns/forward/health.h"
#include "mcns/forward/packet.h"
#include "mcns/forward/random_pool.h"
#include "mcns/forward/stream_line.h"
#include "mcns/forward/udp_pool.h"

namespace mcns {

class Server;

using Ticket = std::uint64_t;  // whose question it is

// Who asks. After each `ask` that succeeded one of these comes, for certain.
class ServerEvents {
 public:
  virtual ~ServerEvents() = default;
  // A message with the question. `late`: after on_silence.
  virtual void on_answer(Server& server, Ticket ticket, std::string_view message, bool late) = 0;
  // Nothing so far; it may still come.
  virtual void on_silence(Server& server, Ticket ticket) = 0;
  // Nothing will come.
  virtual void on_failure(Server& server, Ticket ticket) = 0;
};

// The nonces of probes that may still come back to us. Thread-safe.
class Nonces {
 public:
  void replace(std::uint64_t old_nonce, std::uint64_t new_nonce);
  bool contains(std::uint64_t nonce) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_set<std::uint64_t> nonces_;  // guarded by mutex_
};

// What other threads see of a server. Thread-safe.
class ServerFigures {
 public:
  std::atomic<Health::State> state{Health::State::kUnknown};
  std::atomic<double> rtt_ms{0};
  std::atomic<std::uint64_t> asked{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> other_case{0};

  // Why it was last out of reach; empty once it has answered.
  std::string trouble() const;
  void set_trouble(const std::string& why);

 private:
  mutable std::mutex mutex_;
  std::string trouble_;  // guarded by mutex_
};

// Probes the upstream by itself: at first, while it is down, and from time to time; the server of a
// delegated zone, which is somebody else's, only while it is down. Any answer is a sign of life,
// whatever it says. Not everybody can answer every question (an internal resolver has no way to the
// root), so a probe that failed is followed by one with what a client was answered last; and one
// that is down gets a question of a client as well. Confined to its loop.
class Server final : private ChannelEvents {
 public:
  // What all servers share; outlives them.
  struct Shared {
    dsl::net::Loop& loop;
    RandomPool& random;
    Nonces& nonces;
    ServerEvents& events;
    const ForwardOptions& options;
    EventSource* told;  // of messages; may be null
  };

  // `probe_name`: a name that it should know something of. `context`: whom to trust, for TLS.
  Server(const Shared& shared, const Upstream& upstream, Name probe_name,
         const dsl::tls::Context& context, Role role = Role::kResolver);
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // False when it cannot be sent. No event comes before it returns. `random_case`: of the letters
  // of the question's name, over UDP. A server that does not keep them is asked again over TCP, and
  // one that never does, without.
  bool ask(Ticket ticket, const Packet& packet, bool random_case = false);
  // A client's question, which a server that is down gets too once its backoff has passed, and one
  // at most until the next probe. Nobody is told of the answer.
  void try_out(const Packet& packet);
  // The server is of other groups from now on: what it was asked may not be for it any more.
  void forget_question();
  // Of TLS: others are trusted from now on.
  void trust(const dsl::tls::Context& context);
  // A probe came back to us: if it is of this server, it is ourselves.
  void nonce_came_back(std::uint64_t nonce);

  const Health& health() const { return health_; }
  const std::string& text() const { return text_; }  // "udp://192.0.2.1:53"
  const std::string& address() const { return upstream_.address; }
  // It has proven who it is, each time that it answers.
  bool is_authenticated() const { return upstream_.has_tls(); }
  // Why it was last out of reach; empty once it has answered.
  const std::string& trouble() const { return trouble_; }
  std::shared_ptr<const ServerFigures> figures() const { return figures_; }

 private:
  // Questions of our own. No failure of a trial counts: it says nothing new of who is down.
  static constexpr Ticket kProbe = 0;
  static constexpr Ticket kTrial = ~Ticket{0};
  static bool is_own(Ticket ticket) { return ticket == kProbe || ticket == kTrial; }

  struct Sent {
    Ticket ticket = kProbe;
    Packet packet;
    dsl::env::MonoTime at;
    bool over_tcp = false;     // on the line, whatever is spoken there
    bool random_case = false;  // is wanted
    bool lower_case = false;   // as the upstream has not kept the random one
    bool again = false;        // over a new connection, as the old one had ended
    bool silent = false;       // its time is over, and whoever asked knows
    UdpPool::Place udp;
    std::uint32_t on_line = 0;  // its place there
  };
  // Attempts by when they were sent.
  using Line = std::deque<std::pair<dsl::env::MonoTime, Attempt>>;

  void on_message(Attempt attempt, std::string_view message) override;
  void on_other_case(Attempt attempt) override;
  void on_broken(const std::vector<Attempt>& attempts, bool stale, const std::string& why) override;

  bool has_line() const { return upstream_.transport != Upstream::Transport::kUdp; }
  bool keeps_case() const;
  bool send(Sent sent);
  dsl::Result<void> send_once(Attempt attempt, Sent& sent);
  bool ask_over_tcp(Sent sent);
  bool ask_otherwise(Sent& sent, bool stale);
  void note_trouble(const std::string& why);
  // Whoever taps messages: of a question that was sent, or of its answer.
  void tell(const Sent& sent, std::string_view answer) const;
  void answered(const Sent& sent, std::string_view message);
  void failed(const Sent& sent);
  void note_failure(bool probe);
  void time_passed();
  void silence(Attempt attempt);
  void forget(Attempt attempt);
  void wait();

  void probe();
  ForwardQuestion probe_question() const;
  void probe_ended();
  void publish();

  const Shared shared_;
  const Upstream upstream_;
  const std::string text_;
  const Name probe_name_;
  const Role role_;
  Health health_;
  const std::shared_ptr<ServerFigures> figures_ = std::make_shared<ServerFigures>();

  UdpPool udp_;
  const std::unique_ptr<StreamLine> line_;
  std::string trouble_;
  int other_case_ = 0;                     // answers in a row that did not keep it
  dsl::env::MonoTime lower_case_until_{};  // taken for one that never does
  Attempt last_attempt_ = 0;
  std::unordered_map<Attempt, Sent> sent_;
  Line until_silent_;
  Line until_forgotten_;
  dsl::net::Timer timer_;

  dsl::net::Timer probe_timer_;
  bool probing_ = false;
  std::uint64_t probe_nonce_ = 0;
  bool probe_came_back_ = false;
  Packet known_;             // the last question of a client that was answered in time
  bool asks_known_ = false;  // the next probe, in place of the NS records of probe_name_
  bool trial_due_ = false;
};

}  // namespace mcns
