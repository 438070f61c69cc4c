#include "mcp/agent/operations.h"

#include <algorithm>

#include "dsl/log/log.h"

namespace mcp::agent {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::db::Row;
using dsl::db::Transaction;

namespace {

const dsl::log::Logger logger("agent.operations");
constexpr std::chrono::milliseconds kStopPoll{50};
constexpr std::size_t kEndedKept = 64;
constexpr std::size_t kEventsMax = 10000;
constexpr std::int64_t kIdempotencyMs = 24LL * 3600 * 1000;
constexpr std::int64_t kKeptMs = 90 * kIdempotencyMs;  // as long as the events that tell of them

std::int64_t to_ms(dsl::env::WallTime time) { return time.time_since_epoch().count(); }

dsl::db::Blob as_blob(const std::string& bytes) {
  return std::as_bytes(std::span(bytes.data(), bytes.size()));
}

Result<std::optional<pb::Operation>> stored_operation(Registry& registry, const std::string& id) {
  std::optional<pb::Operation> found;
  MC_TRY(registry.database().query(
      "SELECT kind, service, actor, source, state, step, started_at, ended_at, result "
      "FROM operations WHERE id = ?",
      [&](Row& row) -> Result<void> {
        pb::Operation operation;
        const dsl::db::Blob blob = row.blob(8);
        if (!blob.empty()) {
          (void)operation.ParseFromArray(blob.data(), static_cast<int>(blob.size()));
        }
        operation.set_id(id);
        operation.set_kind(row.text(0));
        operation.set_service(row.text(1));
        operation.set_actor(row.text(2));
        operation.set_source(row.text(3));
        operation.set_state(row.text(4));
        operation.set_step(row.text(5));
        operation.set_started_ms(row.integer(6));
        operation.set_ended_ms(row.integer(7));
        found = operation;
        return {};
      },
      id));
  return found;
}

}  // namespace

// One operation in this process. `events` only grows; its readers wait on `grown`.
class Operations::Running : public OperationContext {
 public:
  Running(dsl::env::Env& env, Registry& registry, std::string id)
      : env_(env), registry_(registry), id_(std::move(id)) {
    result_.set_id(id_);
    pb::OperationEvent first;
    first.set_operation_id(id_);
    push(first);
  }

  const std::string& id() const override { return id_; }
  bool cancelled() const override { return cancelled_; }
  void cancel() { cancelled_ = true; }

  void progress(int step, int total, std::string_view component,
                std::string_view message) override {
    pb::OperationEvent event;
    event.mutable_progress()->set_step(step);
    event.mutable_progress()->set_total(total);
    event.mutable_progress()->set_component(std::string(component));
    event.mutable_progress()->set_message(std::string(message));
    event.mutable_progress()->set_percent(total > 0 ? 100 * step / total : 0);
    push(event);
  }

  void notice(std::string_view message) override {
    pb::OperationEvent event;
    event.set_notice(std::string(message));
    push(event);
    result_.add_notices(std::string(message));
  }

  void boot_item(const pb::BootItem& item) override {
    pb::OperationEvent event;
    *event.mutable_boot_item() = item;
    push(event);
  }

  Result<void> journal(std::string_view step, std::string_view journal_json) override {
    return registry_.database().write(
        [&](Transaction& tx) { return journal(tx, step, journal_json); });
  }

  Result<void> journal(Transaction& tx, std::string_view step,
                       std::string_view journal_json) override {
    result_.set_step(std::string(step));
    return tx.run("UPDATE operations SET step = ?, journal = ? WHERE id = ?", step, journal_json,
                  id_);
  }

  pb::Operation& result() override { return result_; }

  void push(const pb::OperationEvent& event) {
    const std::lock_guard lock(mutex_);
    if (events_.size() < kEventsMax || event.has_result()) {
      events_.push_back(event);
    }
    ended_ = ended_ || event.has_result();
    grown_.notify_all();
  }

  // Event number `index`, waiting a little for it; nothing when there is none yet.
  std::optional<pb::OperationEvent> event(std::size_t index) {
    std::unique_lock lock(mutex_);
    const auto deadline = env_.clock().mono_now() + std::chrono::milliseconds(200);
    while (index >= events_.size() && env_.clock().wait_until(grown_, lock, deadline)) {
    }
    if (index >= events_.size()) {
      return std::nullopt;
    }
    return events_[index];
  }

  bool ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }

  // A copy that any thread may read: the result once it is there, the outline before.
  pb::Operation snapshot() {
    const std::lock_guard lock(mutex_);
    for (auto event = events_.rbegin(); event != events_.rend(); ++event) {
      if (event->has_result()) {
        return event->result();
      }
    }
    return outline_;
  }
  void set_outline(pb::Operation outline) { outline_ = std::move(outline); }

 private:
  dsl::env::Env& env_;
  Registry& registry_;
  const std::string id_;
  std::atomic<bool> cancelled_ = false;
  pb::Operation result_;   // confined to the operation's thread
  pb::Operation outline_;  // constant once the thread runs
  std::mutex mutex_;
  std::condition_variable grown_;
  std::vector<pb::OperationEvent> events_;  // guarded by mutex_
  bool ended_ = false;                      // guarded by mutex_
};

Operations::Operations(dsl::env::Env& env, Registry& registry, ServiceLocks& locks)
    : env_(env), registry_(registry), locks_(locks) {}

Operations::~Operations() { stop(); }

Result<std::optional<std::string>> Operations::recorded(const std::string& request_id) {
  std::optional<std::string> id;
  if (request_id.empty()) {
    return id;
  }
  const std::int64_t since = to_ms(env_.clock().now()) - kIdempotencyMs;
  MC_TRY(registry_.database().read([&](Transaction& tx) {
    return tx.query(
        "SELECT id FROM operations WHERE request_id = ? AND started_at > ?",
        [&](Row& row) -> Result<void> {
          id = row.text(0);
          return {};
        },
        request_id, since);
  }));
  return id;
}

Result<std::string> Operations::begin(const OperationRequest& request, OperationWork work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return fail(Code::kUnavailable, "the agent is stopping").hint("try again when it is back");
    }
  }
  const std::string id = env_.random().hex(6);
  MC_ASSIGN(
      ServiceLocks::Hold hold,
      locks_.acquire(request.service, dsl::text("{} {}", request.kind, id), request.lock_wait));
  // With the lock held: the same request sent twice at once finds the first one's row.
  MC_ASSIGN(const std::optional<std::string> known, recorded(request.request_id));
  if (known) {
    return *known;
  }
  const auto now = env_.clock().now();
  const auto insert = [&](Transaction& tx) -> Result<void> {
    MC_TRY(tx.run("DELETE FROM operations WHERE started_at < ? AND ended_at > 0",
                  to_ms(now) - kKeptMs));
    return tx.run(
        "INSERT INTO operations(id, request_id, kind, service, component, actor, source, state, "
        "step, journal, started_at, ended_at) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, 'running', '', '{}', ?, 0)",
        id, request.request_id, request.kind, request.service, request.component, request.actor,
        request.source, now);
  };
  MC_TRY(registry_.database().write(insert));
  auto running = std::make_shared<Running>(env_, registry_, id);
  pb::Operation& result = running->result();
  result.set_kind(request.kind);
  result.set_service(request.service);
  result.set_actor(request.actor);
  result.set_source(request.source);
  result.set_started_ms(to_ms(now));
  launch(running, std::move(hold), std::move(work));
  return id;
}

Result<void> Operations::resume(const OpenOperation& open, OperationWork work) {
  MC_ASSIGN(std::optional<pb::Operation> stored, stored_operation(registry_, open.id));
  if (!stored) {
    return fail(Code::kNotFound, "operation {} is not recorded", open.id);
  }
  MC_ASSIGN(ServiceLocks::Hold hold,
            locks_.acquire(open.service, dsl::text("{} {}", open.kind, open.id), {}));
  auto running = std::make_shared<Running>(env_, registry_, open.id);
  running->result() = *stored;
  running->result().clear_state();
  launch(running, std::move(hold), std::move(work));
  return {};
}

void Operations::launch(const std::shared_ptr<Running>& running, ServiceLocks::Hold hold,
                        OperationWork work) {
  reap();
  pb::Operation outline = running->result();
  outline.set_state("running");
  running->set_outline(std::move(outline));
  const std::lock_guard lock(mutex_);
  operations_[running->id()] = running;
  auto held = std::make_shared<ServiceLocks::Hold>(std::move(hold));
  threads_.emplace_back([this, running, held, work = std::move(work)]() mutable {
    const Result<void> outcome = work(*running);
    finish(*running, outcome, *held);
    const std::lock_guard done(mutex_);
    finished_threads_.push_back(std::this_thread::get_id());
  });
}

void Operations::finish(Running& running, const Result<void>& outcome, ServiceLocks::Hold& hold) {
  pb::Operation& result = running.result();
  if (!outcome) {
    const Error& error = outcome.error();
    result.set_error(error.message());
    result.set_error_id(error.id());
    result.set_hint(error.hint());
    result.set_exit_code(error.exit_code());
    if (result.state().empty()) {
      result.set_state("failed");
    }
  } else if (result.state().empty()) {
    result.set_state("done");
  }
  const auto now = env_.clock().now();
  result.set_ended_ms(to_ms(now));
  const std::string bytes = result.SerializeAsString();
  // An operation that needs attention stays visible, but is not replayed at the next start.
  const Result<void> stored = registry_.database().write([&](Transaction& tx) {
    return tx.run(
        "UPDATE operations SET state = ?, step = ?, result = ?, ended_at = ? WHERE id = ?",
        result.state(), result.step(), as_blob(bytes), now, running.id());
  });
  if (!stored) {
    logger.failure(dsl::log::Level::kError, "operation result not recorded", stored.error());
  }
  {
    const std::lock_guard lock(mutex_);
    ended_.push_back(running.id());
    while (ended_.size() > kEndedKept) {
      operations_.erase(ended_.front());
      ended_.pop_front();
    }
  }
  // Released before the result is told, so that whoever hears it finds the service free.
  hold = ServiceLocks::Hold();
  pb::OperationEvent last;
  *last.mutable_result() = result;
  running.push(last);
}

// Joins the threads that have said that they are done.
void Operations::reap() {
  std::vector<std::thread> done;
  {
    const std::lock_guard lock(mutex_);
    for (const std::thread::id id : finished_threads_) {
      const auto found = std::find_if(threads_.begin(), threads_.end(),
                                      [&](const std::thread& t) { return t.get_id() == id; });
      if (found != threads_.end()) {
        done.push_back(std::move(*found));
        threads_.erase(found);
      }
    }
    finished_threads_.clear();
  }
  for (std::thread& thread : done) {
    thread.join();
  }
}

Result<void> Operations::follow(
    const std::string& id, const std::function<Result<void>(const pb::OperationEvent&)>& on_event,
    const std::function<bool()>& abandoned) {
  std::shared_ptr<Running> running;
  {
    const std::lock_guard lock(mutex_);
    const auto found = operations_.find(id);
    if (found != operations_.end()) {
      running = found->second;
    }
  }
  if (!running) {
    pb::OperationEvent event;
    event.set_operation_id(id);
    MC_TRY(on_event(event));
    MC_ASSIGN(*event.mutable_result(), get(id));
    return on_event(event);
  }
  for (std::size_t index = 0; !abandoned();) {
    const std::optional<pb::OperationEvent> event = running->event(index);
    if (!event) {
      continue;
    }
    ++index;
    MC_TRY(on_event(*event));
    if (event->has_result()) {
      return {};
    }
  }
  return fail(Code::kCancelled, "the caller has left; operation {} goes on", id);
}

Result<pb::Operation> Operations::get(const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = operations_.find(id);
    if (found != operations_.end()) {
      return found->second->snapshot();
    }
  }
  MC_ASSIGN(const std::optional<pb::Operation> stored, stored_operation(registry_, id));
  if (!stored) {
    return fail(Code::kNotFound, "operation {} is not known", id)
        .hint("mcp events shows what happened lately");
  }
  return *stored;
}

Result<pb::Operation> Operations::cancel(const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = operations_.find(id);
    if (found != operations_.end()) {
      found->second->cancel();
    }
  }
  return get(id);
}

std::vector<pb::Operation> Operations::running() {
  const std::lock_guard lock(mutex_);
  std::vector<pb::Operation> out;
  for (const auto& [id, running] : operations_) {
    if (!running->ended()) {
      out.push_back(running->snapshot());
    }
  }
  return out;
}

Result<std::vector<OpenOperation>> Operations::left_open() {
  return registry_.database().read([](Transaction& tx) -> Result<std::vector<OpenOperation>> {
    std::vector<OpenOperation> open;
    MC_TRY(
        tx.query("SELECT id, kind, service, component, actor, step, journal FROM operations WHERE "
                 "state = 'running' "
                 "ORDER BY started_at",
                 [&](Row& row) -> Result<void> {
                   open.push_back({.id = row.text(0),
                                   .kind = row.text(1),
                                   .service = row.text(2),
                                   .component = row.text(3),
                                   .actor = row.text(4),
                                   .step = row.text(5),
                                   .journal = row.text(6)});
                   return {};
                 }));
    return open;
  });
}

void Operations::stop(std::chrono::milliseconds grace) {
  const auto deadline = env_.clock().mono_now() + grace;
  while (env_.clock().mono_now() < deadline && !running().empty()) {
    env_.clock().sleep_for(kStopPoll);
  }
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [id, running] : operations_) {
      running->cancel();
    }
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace mcp::agent
