#include <algorithm>
#include <cstdio>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "dsl/service/agent_sockets.h"
#include "dsl/service/crash.h"
#include "dsl/service/descriptors.h"
#include "dsl/service/environment.h"
#include "dsl/service/host.h"
#include "dsl/service/init.h"
#include "dsl/service/invocation.h"
#include "dsl/service/log_config.h"
#include "dsl/service/notify.h"
#include "dsl/service/service.h"
#include "dsl/service/signals.h"
#include "dsl/service/socket_exchange.h"

namespace dsl::service {

namespace {

const log::Logger logger("service");

constexpr std::string_view kServing = "serving";
constexpr std::chrono::milliseconds kSucceededGrace{5000};  // for what was begun

// The keys of a service: its own and those that every service has.
class Configuration {
 public:
  Configuration(const std::string& name, Service& service) : table_(name) {
    log_.bind(table_);
    service.configure(table_);
  }
  config::Table& table() { return table_; }
  const LogConfig& log() const { return log_; }

 private:
  LogConfig log_;
  config::Table table_;
};

void print_error(const Error& error) { std::fprintf(stderr, "%s\n", error.render().c_str()); }

// One line for each listener, an empty one, end of file: a test reads it and knows the ports.
void report_listeners(int fd, const std::vector<std::string>& listeners) {
  if (fd < 0) {
    return;
  }
  std::string lines;
  for (const std::string& listener : listeners) {
    lines += listener + "\n";
  }
  lines += "\n";
  if (::write(fd, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size())) {
    logger.warn("cannot report the listeners", {{"fd", fd}});
  }
  (void)::close(fd);  // written is written
}

// The state of one `run`. Confined to the thread that calls it.
class Runner final : public Host {
 public:
  Runner(const std::string& name, Service& service, const RunOptions& options, env::Env& env,
         ActivatedSockets sockets, std::string agent_directory, Invocation invocation)
      : name_(name),
        service_(service),
        options_(options),
        env_(env),
        sockets_(std::move(sockets)),
        agent_directory_(std::move(agent_directory)),
        invocation_(std::move(invocation)),
        notifier_(Notifier::from_environment(env)),
        configuration_(name, service) {}

  int run();

  bool ends_once_ready() const override { return options_.once; }
  void post(std::function<void()> work) override;
  Result<std::unique_ptr<env::Process>> start_successor() override;
  void changing() override { notifier_.reloading(env_.clock().mono_now()); }
  void still_alive() override;
  void keeps_serving(std::string_view status) override { notifier_.ready(status); }
  void succeeded_by(pid_t pid) override;

 private:
  Result<void> serve();
  Result<void> ask_agent_for_sockets();
  Result<void> hand_over_sockets();
  void wait_for_stop();
  void reload();
  Result<std::vector<std::string>> read_again();
  void upgrade();
  void work();
  void stop();

  const std::string& name_;
  Service& service_;
  const RunOptions& options_;
  env::Env& env_;
  ActivatedSockets sockets_;
  const std::string agent_directory_;  // where the agent hands sockets over; empty = nowhere
  const Invocation invocation_;
  Notifier notifier_;  // before the threads of signals_
  Configuration configuration_;
  std::optional<Signals> signals_;  // made before any other thread, so that all leave signals to it
  std::mutex mutex_;
  std::deque<std::function<void()>> work_;  // guarded by mutex_
  env::MonoTime alive_at_{};                // when `still_alive` said so last
  bool succeeded_ = false;
};

int Runner::run() {
  if (const auto loaded = configuration_.table().load(env_, options_.sources); !loaded) {
    print_error(loaded.error());
    return kExitUsage;
  }
  signals_.emplace();
  Result<log::Options> log_options = configuration_.log().options(env_, name_);
  if (log_options) {
    if (const auto started = log::start(*log_options); !started) {
      print_error(started.error());
      return started.error().exit_code();
    }
    configuration_.log().apply_levels();
  }
  int code = kExitOk;
  if (const Result<void> served = serve(); !served) {
    logger.failure(log::Level::kError, "cannot start", served.error());
    code = served.error().exit_code();
  }
  log::stop();
  return code;
}

Result<void> Runner::serve() {
  service_.run_by(*this);
  const Result<void> asked = ask_agent_for_sockets();
  if (!asked && asked.error().code() == Code::kCancelled) {
    logger.info("has stopped before it served");
    return {};
  }
  MC_TRY(asked);
  MC_TRY(hand_over_sockets());
  MC_TRY(service_.start(env_));
  const std::vector<std::string> listeners = service_.listeners();
  for (const std::string& listener : listeners) {
    logger.info("listens", {{"on", listener}});
  }
  report_listeners(options_.ready_fd, listeners);
  notifier_.ready(kServing);
  logger.info("is ready", {{"version", build_info().version}});
  if (!options_.once) {
    wait_for_stop();
  }
  stop();
  return {};
}

void Runner::stop() {
  std::chrono::milliseconds grace = options_.grace;
  if (succeeded_) {
    grace = std::min(grace, kSucceededGrace);
  } else {
    notifier_.stopping(text("stopping; running calls have {} s", grace.count() / 1000));
  }
  logger.info("stops", {{"grace_ms", grace.count()}});
  service_.stop(grace);
  logger.info("has stopped");
}

// In the order of sources: what systemd has passed stands first.
Result<void> Runner::ask_agent_for_sockets() {
  if (agent_directory_.empty() || !sockets_.empty()) {
    return {};
  }
  // A reload has nothing to reload yet, and starts nothing early.
  const auto sleep_until = [this](env::MonoTime until) {
    while (const auto event = signals_->wait(env_.clock(), until)) {
      if (event == Signals::Event::kStop) {
        return false;
      }
    }
    return true;
  };
  MC_ASSIGN(sockets_, wait_for_agent_sockets(env_.clock(), agent_directory_, sleep_until));
  return {};
}

Result<void> Runner::hand_over_sockets() {
  service_.adopt(sockets_);
  if (sockets_.empty()) {
    return {};
  }
  std::string left;
  for (const std::string& name : sockets_.names()) {
    left += left.empty() ? name : ", " + name;
  }
  return fail(Code::kInvalidArgument, "{} was handed sockets that it does not serve: {}", name_,
              left)
      .hint(
          "FileDescriptorName= of the .socket unit, or `name` of [[components.sockets]], names the "
          "listener that it is for");
}

void Runner::wait_for_stop() {
  env::Clock& clock = env_.clock();
  while (true) {
    const auto interval = notifier_.watchdog();
    const env::MonoTime next = interval ? clock.mono_now() + *interval : env::MonoTime::max();
    const std::optional<Signals::Event> event = signals_->wait(clock, next);
    if (interval) {
      notifier_.alive();
    }
    if (event == Signals::Event::kStop) {
      return;
    }
    if (event == Signals::Event::kReload) {
      reload();
    }
    if (event == Signals::Event::kUpgrade) {
      upgrade();
    }
    if (event == Signals::Event::kWork) {
      work();
    }
  }
}

void Runner::upgrade() {
  if (const Result<void> upgraded = service_.upgrade(); !upgraded) {
    logger.failure(log::Level::kError, "goes on: no other process has taken over",
                   upgraded.error());
  }
}

void Runner::work() {
  std::deque<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(work_);
  }
  for (const auto& each : work) {
    each();
  }
}

void Runner::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
  }
  signals_->request_work();
}

Result<std::unique_ptr<env::Process>> Runner::start_successor() {
  if (invocation_.carries_container) {
    return fail(Code::kFailedPrecondition,
                "this container ends with the process it was started for, so no other process can "
                "take its place in there")
        .hint("deploy the new image: sockets that the node's agent holds stay open meanwhile");
  }
  env::Command command;
  command.argv = successor_arguments(invocation_.argv);
  for (char** each = environ; *each != nullptr; ++each) {
    command.environment.emplace_back(*each);
  }
  for (std::string& variable : notifier_.variables()) {
    command.environment.push_back(std::move(variable));
  }
  // What it prints goes where ours does.
  const env::UniqueFd out(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  const env::UniqueFd err(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  command.stdio_fd = out.get();
  command.stderr_fd = err.get();
  return env_.processes().start(command);
}

void Runner::still_alive() {
  const env::MonoTime now = env_.clock().mono_now();
  if (notifier_.watchdog() && now - alive_at_ >= std::chrono::seconds(1)) {
    alive_at_ = now;
    notifier_.alive();
  }
}

void Runner::succeeded_by(pid_t pid) {
  succeeded_ = true;
  notifier_.succeeded_by(pid, kServing);
  signals_->request_stop();
}

Result<std::vector<std::string>> Runner::read_again() {
  MC_TRY(service_.check(env_, options_.sources));
  return configuration_.table().reload(
      env_, options_.sources,
      [this](const std::vector<std::string>& keys) { return service_.reloaded(keys); });
}

void Runner::reload() {
  notifier_.reloading(env_.clock().mono_now());
  std::string status(kServing);
  const auto changed = read_again();
  if (changed) {
    configuration_.log().apply_levels();
    std::string keys;
    for (const std::string& key : *changed) {
      keys += (keys.empty() ? "" : ", ") + key;
    }
    logger.info("has read its configuration again", {{"changed", changed->size()}, {"keys", keys}});
    for (const config::Unapplied& key : configuration_.table().restart_needed()) {
      logger.warn("a key keeps its value: it cannot change while this runs",
                  {{"key", key.key},
                   {"running", key.running},
                   {"file", key.wanted},
                   {"hint", service_.way_to_apply(key.key)}});
    }
  } else {
    status = text("serving as before: {}", changed.error().message());
    logger.failure(log::Level::kError, "keeps its configuration: the new one is wrong",
                   changed.error());
  }
  if (const Result<void> refreshed = service_.refresh(); !refreshed) {
    status = text("serving as before: {}", refreshed.error().message());
    logger.failure(log::Level::kError, "keeps its files: the new ones are wrong",
                   refreshed.error());
  }
  notifier_.ready(status);
}

}  // namespace

int run(const std::string& name, Service& service, const RunOptions& options) {
  env::Env& env = env::system_env();
  const bool has_init = ::getpid() == 1;
  // Before the fork of process 1: the sockets are meant for the process that was started.
  Result<ActivatedSockets> sockets = ActivatedSockets::from_environment(env);
  if (!sockets) {
    print_error(sockets.error());
    return kExitUsage;
  }
  std::string agent_directory = env.variable(kSocketsVariable).value_or("");
  forget_variable(kSocketsVariable);
  if (const std::optional<int> code = run_as_init()) {
    return *code;
  }
  install_crash_handler(name);
  make_room_for_descriptors();
  return Runner(name, service, options, env, std::move(*sockets), std::move(agent_directory),
                Invocation::current(env, has_init))
      .run();
}

Result<std::string> check_config(const std::string& name, Service& service,
                                 const config::Sources& sources) {
  Configuration configuration(name, service);
  MC_TRY(configuration.table().load(env::system_env(), sources));
  MC_TRY(service.check(env::system_env(), sources));
  return configuration.table().effective();
}

std::string config_reference(const std::string& name, Service& service) {
  return Configuration(name, service).table().reference();
}

}  // namespace dsl::service
