#include "dsl/rpc/dial.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <system_error>
#include <thread>

#include <pthread.h>

#include "dsl/env/socket_address.h"

namespace dsl::rpc {

namespace {

using std::chrono::milliseconds;
using Outcome = DialAttempt::Outcome;

constexpr std::size_t kAttemptsMax = 16;  // a node has three or four addresses; a thread for each

// A place to dial, and the address of the options that it comes from.
struct Endpoint {
  std::string address;
  std::string literal;
  std::string name;  // what its certificate must be for
};

// What the resolver has told. Apart from the dial, which may be over when it tells.
struct Mailbox {
  std::mutex mutex;
  std::condition_variable changed;
  struct Answer {
    std::size_t address;  // index
    Result<std::vector<std::string>> literals;
  };
  std::vector<Answer> answers;  // guarded by mutex
};

// Confined to the thread that dials, except for what `box_->mutex` guards.
class Dial {
 public:
  Dial(env::Env& env, const DialOptions& options)
      : env_(env), options_(options), begun_(env.clock().mono_now()) {}

  Result<Dialled> run();

 private:
  Result<void> queue_addresses();
  void look_up(std::size_t index, const env::HostPort& parts);
  void take_answers();  // with the lock held, as all below
  void give_up_names(const std::string& why);
  void add(std::size_t index, const std::string& literal, bool in_front);
  bool may_start(env::MonoTime now) const;
  void start(env::MonoTime now);
  env::MonoTime next_event(env::MonoTime now) const;

  void attempt(std::size_t number, const Endpoint& endpoint, env::MonoTime started);
  Result<std::unique_ptr<Channel>> reach(const Endpoint& endpoint) const;
  milliseconds since(env::MonoTime from) const {
    return std::chrono::duration_cast<milliseconds>(env_.clock().mono_now() - from);
  }
  Error nobody() const;

  env::Env& env_;
  const DialOptions& options_;
  const env::MonoTime begun_;
  const std::shared_ptr<Mailbox> box_ = std::make_shared<Mailbox>();
  std::stop_source losers_;

  // Guarded by box_->mutex.
  std::deque<Endpoint> ready_;
  std::set<std::string> known_;        // literals, so that two names of one address dial it once
  std::set<std::size_t> names_;        // indices of addresses that are being resolved
  std::vector<DialAttempt> attempts_;  // one for each thread, in order
  std::vector<DialAttempt> untried_;   // names that were not resolved
  std::size_t running_ = 0;
  env::MonoTime next_start_{};
  std::optional<std::size_t> winner_;
  std::unique_ptr<Channel> channel_;
  std::optional<Error> refusal_;  // of a node that answered

  std::vector<std::thread> threads_;
};

Result<void> Dial::queue_addresses() {
  if (options_.addresses.empty()) {
    return fail(Code::kInvalidArgument, "there is no address to dial");
  }
  for (std::size_t i = 0; i < options_.addresses.size(); ++i) {
    const std::string& address = options_.addresses[i];
    const auto parts = env::split_host_port(address);
    if (!parts) {
      return fail(Code::kInvalidArgument, "'{}' is no address to dial", address)
          .hint("give host:port");
    }
    if (env::is_address_literal(parts->host)) {
      const std::lock_guard lock(box_->mutex);
      add(i, parts->host, address == options_.first);
    } else {
      look_up(i, *parts);
    }
  }
  return {};
}

void Dial::look_up(std::size_t index, const env::HostPort& parts) {
  {
    const std::lock_guard lock(box_->mutex);
    names_.insert(index);
  }
  options_.look_up(parts.host, [box = box_, index](Result<std::vector<std::string>> literals) {
    const std::lock_guard lock(box->mutex);
    box->answers.push_back({index, std::move(literals)});
    box->changed.notify_all();
  });
}

void Dial::add(std::size_t index, const std::string& literal, bool in_front) {
  const std::string& address = options_.addresses[index];
  const env::HostPort parts = *env::split_host_port(address);
  std::string endpoint = env::join_host_port(literal, parts.port);
  if (!known_.insert(endpoint).second) {
    return;
  }
  Endpoint added{address, std::move(endpoint),
                 options_.tls.name.empty() ? parts.host : options_.tls.name};
  ready_.insert(in_front ? ready_.begin() : ready_.end(), std::move(added));
}

void Dial::take_answers() {
  for (Mailbox::Answer& answer : std::exchange(box_->answers, {})) {
    const std::string& address = options_.addresses[answer.address];
    if (names_.erase(answer.address) == 0) {
      continue;  // too late
    }
    if (!answer.literals) {
      untried_.push_back(
          {address, "", Outcome::kFailed, {}, since(begun_), answer.literals.error().message()});
      continue;
    }
    const bool in_front = address == options_.first;
    if (in_front) {
      std::reverse(answer.literals->begin(), answer.literals->end());
    }
    for (const std::string& literal : *answer.literals) {
      add(answer.address, literal, in_front);
    }
  }
}

void Dial::give_up_names(const std::string& why) {
  for (const std::size_t index : std::exchange(names_, {})) {
    untried_.push_back({options_.addresses[index], "", Outcome::kNotTried, {}, since(begun_), why});
  }
}

bool Dial::may_start(env::MonoTime now) const {
  return !ready_.empty() && attempts_.size() < kAttemptsMax &&
         (running_ == 0 || now >= next_start_);
}

void Dial::start(env::MonoTime now) {
  Endpoint endpoint = std::move(ready_.front());
  ready_.pop_front();
  const std::size_t number = attempts_.size();
  attempts_.push_back(
      {endpoint.address, endpoint.literal, Outcome::kNotTried, since(begun_), {}, ""});
  ++running_;
  next_start_ = now + options_.stagger;
  try {
    threads_.emplace_back([this, number, endpoint = std::move(endpoint), now] {
      pthread_setname_np(pthread_self(), "rpc-dial");
      attempt(number, endpoint, now);
    });
  } catch (const std::system_error& error) {
    --running_;
    attempts_[number].outcome = Outcome::kFailed;
    attempts_[number].note = error.what();
  }
}

Result<std::unique_ptr<Channel>> Dial::reach(const Endpoint& endpoint) const {
  ChannelOptions to;
  to.address = endpoint.literal;
  to.tls = options_.tls;
  to.tls->name = endpoint.name;
  to.token = options_.token;
  to.connect_timeout = options_.attempt_timeout;
  MC_ASSIGN(std::unique_ptr<Channel> channel, Channel::open(env_, std::move(to)));
  CallOptions call;
  call.timeout = options_.attempt_timeout;
  call.stop = losers_.get_token();
  MC_TRY(options_.probe(*channel, call));
  return channel;
}

// On a thread of its own.
void Dial::attempt(std::size_t number, const Endpoint& endpoint, env::MonoTime started) {
  Result<std::unique_ptr<Channel>> channel = reach(endpoint);
  const std::lock_guard lock(box_->mutex);
  DialAttempt& told = attempts_[number];
  told.took = since(started);
  --running_;
  if (channel && !winner_) {
    told.outcome = Outcome::kAnswered;
    winner_ = number;
    channel_ = std::move(*channel);
  } else if (winner_) {
    told.outcome = Outcome::kCancelled;
    told.note = "another address was faster";
  } else {
    const Error& error = channel.error();
    told.outcome = Outcome::kFailed;
    told.note = error.message();
    const bool unreached =
        error.code() == Code::kUnavailable || error.code() == Code::kDeadlineExceeded;
    if (!unreached && !refusal_) {
      refusal_ = error;
    }
    next_start_ = {};  // RFC 8305 section 5: no waiting after a failure
  }
  box_->changed.notify_all();
}

env::MonoTime Dial::next_event(env::MonoTime now) const {
  // Attempts end by themselves and say so; this is only the longest that nothing can happen.
  env::MonoTime next = now + options_.attempt_timeout;
  if (!ready_.empty() && attempts_.size() < kAttemptsMax) {
    next = std::min(next, next_start_);
  }
  if (!names_.empty()) {
    next = std::min(next, begun_ + options_.look_up_timeout);
  }
  return next;
}

Result<Dialled> Dial::run() {
  MC_TRY(queue_addresses());
  std::unique_lock lock(box_->mutex);
  while (!winner_) {
    const env::MonoTime now = env_.clock().mono_now();
    take_answers();
    if (now >= begun_ + options_.look_up_timeout) {
      give_up_names(text("not resolved within {} ms", options_.look_up_timeout.count()));
    }
    if (may_start(now)) {
      start(now);
    } else if (running_ == 0 && names_.empty()) {
      break;
    } else {
      (void)env_.clock().wait_until(box_->changed, lock, next_event(now));
    }
  }
  lock.unlock();
  losers_.request_stop();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  lock.lock();
  give_up_names("another address was faster");
  for (const Endpoint& endpoint : ready_) {
    untried_.push_back({endpoint.address,
                        endpoint.literal,
                        Outcome::kNotTried,
                        {},
                        {},
                        winner_ ? "another address was faster" : "too many addresses"});
  }
  attempts_.insert(attempts_.end(), untried_.begin(), untried_.end());
  if (!winner_) {
    return fail(nobody());
  }
  std::string address = attempts_[*winner_].address;
  return Dialled{std::move(channel_), std::move(address), std::move(attempts_)};
}

Error Dial::nobody() const {
  const std::string who = options_.tls.name.empty() ? "the node" : options_.tls.name;
  Error error = refusal_
                    ? *refusal_
                    : Error(Code::kUnavailable, options_.addresses.size() == 1
                                                    ? text("{} does not answer at its address", who)
                                                    : text("{} answers at none of its {} addresses",
                                                           who, options_.addresses.size()));
  for (const DialAttempt& attempt : attempts_) {
    const bool same = attempt.endpoint.empty() || attempt.endpoint == attempt.address;
    error.add_detail(same ? attempt.address : text("{} ({})", attempt.address, attempt.endpoint),
                     attempt.note);
  }
  return error;
}

}  // namespace

Result<Dialled> dial(env::Env& env, const DialOptions& options) {
  MC_ASSERT(options.probe != nullptr, "a dial asks who answers");
  return Dial(env, options).run();
}

}  // namespace dsl::rpc
