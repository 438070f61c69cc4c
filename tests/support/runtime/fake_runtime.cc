#include "support/runtime/fake_runtime.h"

#include <algorithm>

#include <signal.h>

namespace mcp::runtime {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using std::chrono::milliseconds;

namespace {

constexpr int kFirstPid = 100000;
constexpr milliseconds kAskEvery{2};

bool overlap(const model::Port& a, const model::Port& b) {
  const auto any = [](const std::string& ip) {
    return ip.empty() || ip == "0.0.0.0" || ip == "::";
  };
  return a.protocol == b.protocol && (a.host_ip == b.host_ip || any(a.host_ip) || any(b.host_ip)) &&
         a.host < b.host + b.count && b.host < a.host + a.count;
}

}  // namespace

// One call from outside: faults and latency first, then the lock for as long as it lives.
class FakeRuntime::Call {
 public:
  Call(FakeRuntime& runtime, std::string operation, std::string subject, bool changes = true)
      : runtime_(runtime), lock_(runtime.mutex_) {
    counts_ = operation == "create" || operation == "start";
    if (counts_) {
      runtime_.under_way_max_ = std::max(runtime_.under_way_max_, ++runtime_.under_way_);
    }
    if (const auto* entry = runtime_.entry(subject)) {
      subject = entry->container.name;
    }
    if (const auto latency = runtime_.latency_.find(operation);
        latency != runtime_.latency_.end()) {
      const auto time = latency->second;
      lock_.unlock();
      runtime_.env_.clock().sleep_for(time);
      lock_.lock();
    }
    if (changes) {
      runtime_.calls_.push_back(operation + " " + subject);
    }
    decide(operation, subject);
  }

  ~Call() {
    if (!lock_) {
      lock_.lock();
    }
    runtime_.under_way_ -= counts_ ? 1 : 0;
  }

  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Result<void> verdict() const {
    return error_ ? Result<void>(tl::unexpected(*error_)) : Result<void>{};
  }
  void unlock() { lock_.unlock(); }

 private:
  void decide(const std::string& operation, const std::string& subject) {
    auto& next = runtime_.next_errors_[operation];
    if (!runtime_.reachable_) {
      error_ = fail(Code::kUnavailable, "container runtime: connection refused");
    } else if (!next.empty()) {
      error_ = next.front();
      next.pop_front();
    } else if (runtime_.fault_) {
      error_ = runtime_.fault_(operation, subject);
    }
  }

  FakeRuntime& runtime_;
  std::unique_lock<std::mutex> lock_;
  std::optional<Error> error_;
  bool counts_ = false;
};

void FakeRuntime::add_image(const std::string& reference) {
  const std::lock_guard lock(mutex_);
  new_image(reference);
}

void FakeRuntime::remove_image(const std::string& reference) {
  const std::lock_guard lock(mutex_);
  for (auto& image : images_) {
    std::erase(image.names, reference);
    std::erase(image.digests, reference);
  }
  std::erase_if(images_, [](const Image& image) { return image.names.empty(); });
}

void FakeRuntime::occupy(const model::Port& port) {
  const std::lock_guard lock(mutex_);
  occupied_.push_back(port);
}

void FakeRuntime::free(const model::Port& port) {
  const std::lock_guard lock(mutex_);
  std::erase(occupied_, port);
}

void FakeRuntime::set_latency(const std::string& operation, milliseconds latency) {
  const std::lock_guard lock(mutex_);
  latency_[operation] = latency;
}

void FakeRuntime::set_fault(Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
}

void FakeRuntime::fail_next(const std::string& operation, Error error, int count) {
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < count; ++i) {
    next_errors_[operation].push_back(error);
  }
}

void FakeRuntime::set_reachable(bool reachable) {
  {
    const std::lock_guard lock(mutex_);
    reachable_ = reachable;
  }
  changed_.notify_all();
}

void FakeRuntime::set_exec(OnExec on_exec) {
  const std::lock_guard lock(mutex_);
  on_exec_ = std::move(on_exec);
}

void FakeRuntime::on_start(std::function<void(const Container&)> hook) {
  const std::lock_guard lock(mutex_);
  on_start_ = std::move(hook);
}

void FakeRuntime::add_remote_image(const std::string& reference) {
  const std::lock_guard lock(mutex_);
  remote_.insert(reference);
}

void FakeRuntime::add_archive(const std::string& path, const std::string& reference) {
  const std::lock_guard lock(mutex_);
  archives_[path] = reference;
}

void FakeRuntime::set_saved_bytes(const std::string& reference, std::string archive) {
  const std::lock_guard lock(mutex_);
  saved_bytes_[reference] = std::move(archive);
}

void FakeRuntime::die(const std::string& name, int exit_code) {
  const std::lock_guard lock(mutex_);
  Entry* found = entry(name);
  MC_ASSERT(found != nullptr && found->container.state == State::kRunning,
            "the test lets a running container die");
  end(*found, exit_code);
}

void FakeRuntime::log(const std::string& name, LogRecord record) {
  {
    const std::lock_guard lock(mutex_);
    Entry* found = entry(name);
    MC_ASSERT(found != nullptr, "the test logs for a container that exists");
    found->log.push_back(std::move(record));
  }
  changed_.notify_all();
}

void FakeRuntime::lose_database() {
  const std::lock_guard lock(mutex_);
  networks_.clear();
  for (auto& [id, lost] : entries_) {
    Container left;
    left.id = id;
    left.name = lost.container.name;
    left.image = lost.container.image;
    left.image_id = lost.container.image_id;
    left.created = lost.container.created;
    left.storage_only = true;
    lost.container = std::move(left);
  }
}

void FakeRuntime::reboot() {
  {
    const std::lock_guard lock(mutex_);
    for (auto& [id, stopped] : entries_) {
      if (!stopped.container.storage_only) {
        stopped.container.state = State::kCreated;
        stopped.container.pid = 0;
        stopped.container.conmon_pid = 0;
      }
    }
  }
  changed_.notify_all();
}

std::vector<std::string> FakeRuntime::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

void FakeRuntime::clear_calls() {
  const std::lock_guard lock(mutex_);
  calls_.clear();
}

std::optional<Container> FakeRuntime::find(const std::string& id_or_name) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, found] : entries_) {
    if (id == id_or_name || found.container.name == id_or_name) {
      return found.container;
    }
  }
  return std::nullopt;
}

std::optional<ContainerSpec> FakeRuntime::spec(const std::string& id_or_name) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, found] : entries_) {
    if (id == id_or_name || found.container.name == id_or_name) {
      return found.spec;
    }
  }
  return std::nullopt;
}

int FakeRuntime::running_max() const {
  const std::lock_guard lock(mutex_);
  return under_way_max_;
}

Result<std::string> FakeRuntime::run_root() {
  MC_ASSIGN(RuntimeInfo found, info());
  return std::move(found.run_root);
}

Result<RuntimeInfo> FakeRuntime::info() {
  const Call call(*this, "info", "", false);
  MC_TRY(call.verdict());
  RuntimeInfo info;
  info.version = "4.3.1";
  info.api_version = "4.3.1";
  info.graph_root = "/srv/mcp/.local/share/containers/storage";
  info.run_root = "/run/user/850/containers";
  info.driver = "overlay";
  info.cgroup_version = "v2";
  return info;
}

Result<std::string> FakeRuntime::create(const ContainerSpec& spec) {
  const model::Component& component = spec.component;
  const Call call(*this, "create", component.container);
  MC_TRY(call.verdict());
  if (const Entry* holder = entry(component.container)) {
    return fail(Code::kAlreadyExists, "the container name \"{}\" is already in use by {}",
                component.container, holder->container.id)
        .detail("holder", holder->container.id);
  }
  const auto image = std::find_if(images_.begin(), images_.end(), [&](const Image& candidate) {
    const auto& names = candidate.names;
    return candidate.id == component.image ||
           std::find(names.begin(), names.end(), component.image) != names.end() ||
           std::find(candidate.digests.begin(), candidate.digests.end(), component.image) !=
               candidate.digests.end();
  });
  if (image == images_.end()) {
    return fail(Code::kFailedPrecondition, "{}: image not known", component.image)
        .hint("load the image first: podman load -i ARCHIVE as the same user");
  }

  Entry created;
  Container& container = created.container;
  container.id = dsl::text("id-{}", ++last_id_);
  container.id.resize(64, '0');
  container.name = component.container;
  container.image = component.image;
  container.image_id = image->id;
  container.state = State::kCreated;
  container.created = env_.clock().now();
  container.labels = spec.labels;
  container.ports = spec.ports;
  container.command = component.cmd.value_or(image->command);
  container.entrypoint = component.entrypoint.value_or(image->entrypoint);
  for (const auto& volume : component.volumes) {
    model::Volume mount{volume.host, volume.container, {}};
    if (std::find(volume.options.begin(), volume.options.end(), "ro") != volume.options.end()) {
      mount.options = {"ro"};
    }
    container.mounts.push_back(std::move(mount));
  }
  const bool bridge =
      component.network != "default" && component.network != "host" && component.network != "none";
  if (component.network != "default") {
    container.networks = {component.network};
  }
  container.network_mode = bridge                           ? "bridge"
                           : component.network == "default" ? "slirp4netns"
                                                            : component.network;
  container.user = component.user;
  container.restart_policy = component.restart;
  for (const auto& [name, value] : spec.env) {
    container.env.push_back(name + "=" + value);
  }
  created.spec = spec;
  emit("create", container);
  std::string id = container.id;
  entries_.emplace(id, std::move(created));
  return id;
}

Result<void> FakeRuntime::start(const std::string& id) {
  std::function<void(const Container&)> hook;
  Container started;
  {
    const Call call(*this, "start", id);
    MC_TRY(call.verdict());
    MC_ASSIGN(Entry* const found, known(id));
    Container& container = found->container;
    if (container.state == State::kRunning) {
      return {};
    }
    for (const auto& port : container.ports) {
      if (is_taken(port, container.id)) {
        return fail(Code::kConflict, "rootlessport listen {} {}:{}: bind: address already in use",
                    port.protocol, port.host_ip, port.host)
            .hint("see who holds the port: mcp ports");
      }
    }
    container.state = State::kRunning;
    container.pid = kFirstPid + 2 * ++last_start_;
    container.conmon_pid = container.pid + 1;
    container.started = env_.clock().now();
    emit("start", container);
    hook = on_start_;
    started = container;
  }
  if (hook) {
    hook(started);
  }
  return {};
}

Result<void> FakeRuntime::stop(const std::string& id, milliseconds) {
  const Call call(*this, "stop", id);
  MC_TRY(call.verdict());
  MC_ASSIGN(Entry* const found, known(id));
  if (found->container.state == State::kRunning) {
    end(*found, 128 + SIGTERM);
  }
  return {};
}

Result<void> FakeRuntime::kill(const std::string& id, const std::string&) {
  const Call call(*this, "kill", id);
  MC_TRY(call.verdict());
  MC_ASSIGN(Entry* const found, known(id));
  if (found->container.state != State::kRunning) {
    return fail(Code::kFailedPrecondition, "can only kill running containers");
  }
  end(*found, 128 + SIGKILL);
  return {};
}

Result<void> FakeRuntime::remove(const std::string& id, bool force) {
  const Call call(*this, "remove", id);
  MC_TRY(call.verdict());
  Entry* found = entry(id);
  if (found == nullptr) {
    return {};
  }
  if (found->container.state == State::kRunning) {
    if (!force) {
      return fail(Code::kFailedPrecondition, "container {} is running", found->container.name);
    }
    end(*found, 128 + SIGKILL);
  }
  emit("remove", found->container);
  entries_.erase(found->container.id);
  return {};
}

Result<void> FakeRuntime::rename(const std::string& id, const std::string& name) {
  const Call call(*this, "rename", id);
  MC_TRY(call.verdict());
  MC_ASSIGN(Entry* const found, known(id));
  if (const Entry* holder = entry(name)) {
    return fail(Code::kAlreadyExists, "name {} already in use", name)
        .detail("holder", holder->container.id);
  }
  found->container.name = name;
  emit("rename", found->container);
  return {};
}

Result<Container> FakeRuntime::inspect(const std::string& id_or_name) {
  const Call call(*this, "inspect", id_or_name, false);
  MC_TRY(call.verdict());
  MC_ASSIGN(Entry* const found, known(id_or_name));
  return found->container;
}

Result<std::vector<Container>> FakeRuntime::list(bool external) {
  const Call call(*this, "list", "", false);
  MC_TRY(call.verdict());
  std::vector<Container> containers;
  for (const auto& [id, found] : entries_) {
    if (external || !found.container.storage_only) {
      containers.push_back(found.container);
    }
  }
  return containers;
}

Result<void> FakeRuntime::remove_storage(const std::string& id) {
  const Call call(*this, "remove_storage", id);
  MC_TRY(call.verdict());
  if (const Entry* found = entry(id)) {
    entries_.erase(found->container.id);
  }
  return {};
}

Result<void> FakeRuntime::events(const std::function<bool(const RuntimeEvent&)>& on_event,
                                 const std::function<bool()>& stop) {
  std::unique_lock lock(mutex_);
  std::size_t next = events_.size();
  while (reachable_) {
    if (next < events_.size()) {
      const RuntimeEvent event = events_[next++];
      lock.unlock();
      if (!on_event(event)) {
        return {};
      }
      lock.lock();
      continue;
    }
    lock.unlock();
    const bool stopped = stop && stop();
    lock.lock();
    if (stopped) {
      return {};
    }
    // Real time on purpose: the caller's `stop` is about real threads.
    (void)changed_.wait_for(lock, kAskEvery);
  }
  return fail(Code::kUnavailable, "container runtime: the stream of events ended");
}

Result<void> FakeRuntime::logs(const std::string& id, const LogOptions& options,
                               const std::function<bool(const LogRecord&)>& on_line,
                               const std::function<bool()>& stop) {
  std::size_t next = 0;
  bool first = true;
  while (true) {
    std::vector<LogRecord> fresh;
    bool ended = true;
    {
      std::unique_lock lock(mutex_);
      if (!reachable_) {
        return fail(Code::kUnavailable, "container runtime: connection refused");
      }
      MC_ASSIGN(Entry* const found, known(id));
      const auto tail = static_cast<std::size_t>(std::max(0, options.tail));
      if (first && tail > 0 && found->log.size() > tail) {
        next = found->log.size() - tail;
      }
      first = false;
      fresh.assign(found->log.begin() + static_cast<std::ptrdiff_t>(next), found->log.end());
      next = found->log.size();
      ended = !options.follow || found->container.state != State::kRunning;
      if (fresh.empty() && !ended) {
        (void)changed_.wait_for(lock, kAskEvery);
      }
    }
    for (const auto& record : fresh) {
      if (!on_line(record)) {
        return {};
      }
    }
    if ((ended && fresh.empty()) || (stop && stop())) {
      return {};
    }
  }
}

Result<ExecResult> FakeRuntime::exec(const std::string& id, const std::vector<std::string>& argv,
                                     milliseconds) {
  OnExec on_exec;
  std::string name;
  {
    const Call call(*this, "exec", id);
    MC_TRY(call.verdict());
    MC_ASSIGN(Entry* const found, known(id));
    if (found->container.state != State::kRunning) {
      return fail(Code::kFailedPrecondition, "container {} is not running", found->container.name);
    }
    on_exec = on_exec_;
    name = found->container.name;
  }
  return on_exec ? on_exec(name, argv) : Result<ExecResult>(ExecResult{});
}

Result<std::optional<Image>> FakeRuntime::image(const std::string& reference) {
  const Call call(*this, "image", reference, false);
  MC_TRY(call.verdict());
  for (const auto& image : images_) {
    const auto has = [&](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), reference) != names.end();
    };
    if (image.id == reference || has(image.names) || has(image.digests)) {
      return std::optional<Image>(image);
    }
  }
  return std::optional<Image>{};
}

Result<std::vector<Image>> FakeRuntime::images() {
  const Call call(*this, "images", "", false);
  MC_TRY(call.verdict());
  return images_;
}

Result<void> FakeRuntime::pull(const std::string& reference, milliseconds) {
  const Call call(*this, "pull", reference);
  MC_TRY(call.verdict());
  if (remote_.count(reference) == 0) {
    return fail(Code::kNotFound, "pull {}: manifest unknown", reference);
  }
  new_image(reference);
  return {};
}

Result<void> FakeRuntime::tag(const std::string& image_id, const std::string& reference) {
  const Call call(*this, "tag", reference);
  MC_TRY(call.verdict());
  for (auto& image : images_) {
    std::erase(image.names, reference);
  }
  for (auto& image : images_) {
    if (image.id == image_id) {
      image.names.push_back(reference);
      return {};
    }
  }
  return fail(Code::kNotFound, "{}: image not known", image_id);
}

Result<std::vector<std::string>> FakeRuntime::load(const std::string& archive_path) {
  const Call call(*this, "load", archive_path);
  MC_TRY(call.verdict());
  const auto archive = archives_.find(archive_path);
  if (archive == archives_.end()) {
    return fail(Code::kNotFound, "cannot open {}", archive_path);
  }
  new_image(archive->second);
  return std::vector<std::string>{archive->second};
}

Result<void> FakeRuntime::save(const std::string& image,
                               const std::function<Result<void>(std::string_view)>& on_data,
                               const std::function<bool()>& stop) {
  constexpr std::size_t kPiece = 512;
  std::string bytes;
  {
    const Call call(*this, "save", image);
    MC_TRY(call.verdict());
    const auto found = saved_bytes_.find(image);
    if (found == saved_bytes_.end()) {
      return fail(Code::kFailedPrecondition, "{}: image not known", image);
    }
    bytes = found->second;
  }
  for (std::string_view rest = bytes; !rest.empty();) {
    if (stop && stop()) {
      return fail(Code::kCancelled, "save {}: stopped", image);
    }
    MC_TRY(on_data(rest.substr(0, kPiece)));
    rest.remove_prefix(std::min(kPiece, rest.size()));
  }
  return {};
}

Result<void> FakeRuntime::ensure_network(const std::string& name) {
  const Call call(*this, "ensure_network", name);
  MC_TRY(call.verdict());
  networks_.insert(name);
  return {};
}

Result<std::vector<std::string>> FakeRuntime::networks() {
  const Call call(*this, "networks", "", false);
  MC_TRY(call.verdict());
  return std::vector<std::string>(networks_.begin(), networks_.end());
}

FakeRuntime::Entry* FakeRuntime::entry(const std::string& id_or_name) {
  for (auto& [id, found] : entries_) {
    if (id == id_or_name || found.container.name == id_or_name) {
      return &found;
    }
  }
  return nullptr;
}

Result<FakeRuntime::Entry*> FakeRuntime::known(const std::string& id_or_name) {
  Entry* found = entry(id_or_name);
  if (found == nullptr || found->container.storage_only) {
    return fail(Code::kNotFound, "no container with name or ID \"{}\" found", id_or_name);
  }
  return found;
}

Image& FakeRuntime::new_image(const std::string& reference) {
  Image image;
  const std::string number = std::to_string(++last_id_);
  image.id = std::string(64 - number.size(), 'a') + number;
  image.digest = "sha256:" + std::string(64 - number.size(), 'd') + number;
  if (const auto at = reference.find("@sha256:"); at != std::string::npos) {
    image.digest = reference.substr(at + 1);
    image.digests = {reference};
    image.names = {reference.substr(0, at)};
  } else {
    const auto slash = reference.rfind('/');
    const auto colon = reference.rfind(':');
    const bool tagged = colon != std::string::npos && (slash == std::string::npos || colon > slash);
    image.names = {reference};
    image.digests = {reference.substr(0, tagged ? colon : std::string::npos) + "@" + image.digest};
  }
  image.command = {"serve"};
  images_.push_back(std::move(image));
  return images_.back();
}

bool FakeRuntime::is_taken(const model::Port& port, const std::string& own_id) const {
  const auto hits = [&](const model::Port& other) { return overlap(port, other); };
  if (std::any_of(occupied_.begin(), occupied_.end(), hits)) {
    return true;
  }
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& other) {
    const Container& container = other.second.container;
    return other.first != own_id && container.state == State::kRunning &&
           std::any_of(container.ports.begin(), container.ports.end(), hits);
  });
}

void FakeRuntime::emit(const std::string& action, const Container& container) {
  RuntimeEvent event;
  event.type = "container";
  event.action = action;
  event.id = container.id;
  event.name = container.name;
  event.attributes = {{"name", container.name},
                      {"image", container.image},
                      {"containerExitCode", std::to_string(container.exit_code)}};
  event.time = env_.clock().now();
  events_.push_back(std::move(event));
  changed_.notify_all();
}

void FakeRuntime::end(Entry& ended, int exit_code) {
  ended.container.state = State::kExited;
  ended.container.exit_code = exit_code;
  ended.container.pid = 0;
  ended.container.conmon_pid = 0;
  emit("died", ended.container);
}

}  // namespace mcp::runtime
