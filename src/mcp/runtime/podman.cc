#include "mcp/runtime/podman.h"

#include <algorithm>
#include <array>
#include <mutex>

#include <signal.h>

#include "dsl/archive/gzip.h"
#include "dsl/http/client.h"
#include "mcp/runtime/container_config.h"
#include "mcp/runtime/event_filter.h"
#include "mcp/runtime/libpod.h"
#include "mcp/runtime/libpod_frames.h"
#include "mcp/runtime/libpod_json.h"
#include "mcp/runtime/name_server.h"
#include "mcp/runtime/service_process.h"

namespace mcp::runtime {

using dsl::Code;
using dsl::fail;
using dsl::http::encode;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kLineMax = 64u << 10;
constexpr std::size_t kExecOutputMax = 64u << 10;
constexpr int kRemoveTries = 5;
constexpr milliseconds kRemovePause{100};
// A forced removal first waits for the container's own stop timeout.
constexpr milliseconds kRemoveTime{120000};
constexpr milliseconds kLoadTime{600000};
constexpr milliseconds kSaveTime{600000};

std::string container_path(const std::string& id, std::string_view rest) {
  return dsl::text("/containers/{}{}", encode(id), rest);
}

// Podman 4.3 unpacks zstd itself, and not gzip ("invalid tar header").
Result<dsl::archive::Source> loadable_bytes(dsl::env::File& file) {
  constexpr std::array kGzip = {std::byte{0x1f}, std::byte{0x8b}};
  std::array<std::byte, 2> start{};
  MC_ASSIGN(const std::size_t count, file.read_at(0, start));
  dsl::archive::Source bytes =
      [&file, offset = std::uint64_t{0}](std::span<std::byte> out) mutable -> Result<std::size_t> {
    MC_ASSIGN(const std::size_t taken, file.read_at(offset, out));
    offset += taken;
    return taken;
  };
  if (count < kGzip.size() || start != kGzip) {
    return bytes;
  }
  const auto reader = std::make_shared<dsl::archive::GzipReader>(std::move(bytes));
  return [reader](std::span<std::byte> out) { return reader->read(out); };
}

class Podman : public PodmanRuntime {
 public:
  Podman(dsl::env::Env& env, const PodmanOptions& options, std::string mode, std::string socket,
         std::unique_ptr<ServiceProcess> service, std::vector<Ulimit> ulimits)
      : env_(env),
        call_timeout_(options.call_timeout),
        mode_(std::move(mode)),
        socket_(socket),
        service_(std::move(service)),
        ulimits_(std::move(ulimits)),
        libpod_(env, {.socket = std::move(socket),
                      .connections_max = options.connections_max,
                      .call_timeout = options.call_timeout,
                      .unreachable_timeout = options.unreachable_timeout,
                      .on_lost_database = [this] { return service_ && service_->restart(); }}) {}

  std::string mode() const override { return mode_; }
  std::string socket_path() const override { return socket_; }
  Result<void> stop_service() override { return service_ ? service_->stop() : Result<void>{}; }

  Result<RuntimeInfo> info() override {
    MC_ASSIGN(const auto reply, libpod_.call({.path = "/info"}));
    MC_ASSIGN(RuntimeInfo found, decode_info(reply.body));
    const std::lock_guard lock(run_root_mutex_);
    run_root_ = found.run_root;
    return found;
  }

  Result<std::string> run_root() override {
    {
      const std::lock_guard lock(run_root_mutex_);
      if (!run_root_.empty()) {
        return run_root_;
      }
    }
    MC_ASSIGN(RuntimeInfo found, info());
    return std::move(found.run_root);
  }

  Result<std::string> create(const ContainerSpec& spec) override {
    MC_ASSIGN(std::string body, encode_create(spec, ulimits_));
    MC_ASSIGN(
        const auto reply,
        libpod_.call({.method = "POST", .path = "/containers/create", .body = std::move(body)}));
    return decode_id(reply.body);
  }

  // 304 says that it runs already.
  Result<void> start(const std::string& id) override {
    MC_ASSIGN(const std::string root, run_root());
    end_lost_name_server(env_, root);
    return done(libpod_.call({.method = "POST", .path = container_path(id, "/start")}));
  }

  // 304 says that it is stopped already.
  Result<void> stop(const std::string& id, milliseconds grace) override {
    const auto grace_s = std::chrono::ceil<std::chrono::seconds>(grace).count();
    return done(libpod_.call({.method = "POST",
                              .path = container_path(id, dsl::text("/stop?timeout={}", grace_s)),
                              .more_time = grace}));
  }

  Result<void> kill(const std::string& id, const std::string& signal) override {
    MC_ASSIGN(const int number, signal_number(signal));
    return done(libpod_.call(
        {.method = "POST", .path = container_path(id, dsl::text("/kill?signal={}", number))}));
  }

  Result<void> remove(const std::string& id, bool force) override {
    // A container whose processes are gone "could not be stopped" at the first try, and a store
    // under load is busy for a moment: podman itself says so, the next try succeeds.
    const std::string path = container_path(id, force ? "?force=true" : "?force=false");
    for (int attempt = 1;; ++attempt) {
      auto removed = remove_once(path, id);
      const bool again = !removed && force && attempt < kRemoveTries &&
                         (removed.error().code() == Code::kInternal ||
                          removed.error().code() == Code::kFailedPrecondition);
      if (!again) {
        return removed;
      }
      env_.clock().sleep_for(kRemovePause * attempt);
    }
  }

  Result<void> rename(const std::string& id, const std::string& name) override {
    return done(libpod_.call(
        {.method = "POST", .path = container_path(id, "/rename?name=" + encode(name))}));
  }

  Result<Container> inspect(const std::string& id_or_name) override {
    MC_ASSIGN(const auto reply, libpod_.call({.path = container_path(id_or_name, "/json")}));
    return decode_inspect(reply.body);
  }

  Result<std::vector<Container>> list(bool external) override {
    MC_ASSIGN(const auto reply,
              libpod_.call({.path = external ? "/containers/json?all=true&external=true"
                                             : "/containers/json?all=true"}));
    return decode_list(reply.body);
  }

  Result<void> remove_storage(const std::string& id) override {
    const std::string path = container_path(id, "?force=true");
    auto removed = remove_once(path, id);
    if (removed || removed.error().code() == Code::kUnavailable) {
      return removed;
    }
    // A mount that outlived the container (its /dev/shm) makes podman say "device or resource
    // busy" after it has let go of the name, and the name is what matters. Then there is nothing
    // left to remove.
    return remove_once(path, id);
  }

  Result<void> events(const std::function<bool(const RuntimeEvent&)>& on_event,
                      const std::function<bool()>& stop) override {
    LineReader lines(kLineMax);
    EventFilter filter(env_.clock().now());
    bool ended_by_caller = false;
    Result<void> malformed;
    const auto on_line = [&](std::string_view line) {
      auto event = decode_event(line);
      if (!event) {
        malformed = tl::unexpected(std::move(event).error());
        return false;
      }
      if (!filter.is_new(*event)) {
        return true;
      }
      ended_by_caller = !on_event(*event);
      return !ended_by_caller;
    };
    const auto keep_waiting = [&] {
      ended_by_caller = ended_by_caller || (stop && stop());
      return !ended_by_caller;
    };

    MC_TRY(libpod_.stream(
        {.path = "/events?stream=true"}, milliseconds(0),
        [&](std::string_view data) { return lines.feed(data, on_line) && keep_waiting(); },
        keep_waiting));
    MC_TRY(malformed);
    if (!ended_by_caller) {
      return fail(Code::kUnavailable, "container runtime: the stream of events ended");
    }
    return {};
  }

  Result<void> logs(const std::string& id, const LogOptions& options,
                    const std::function<bool(const LogRecord&)>& on_line,
                    const std::function<bool()>& stop) override {
    std::string query = "/logs?stdout=true&stderr=true";
    query += dsl::text("&follow={}&timestamps={}", options.follow, options.timestamps);
    if (options.tail > 0) {
      query += dsl::text("&tail={}", options.tail);
    }
    if (options.since_s > 0) {
      query += dsl::text("&since={}", options.since_s);
    }
    std::array<LineReader, 2> lines = {LineReader(kLineMax), LineReader(kLineMax)};
    const auto emit = [&](bool is_stderr) {
      return [&, is_stderr](std::string_view line) {
        return on_line(log_record(is_stderr, options.timestamps, line));
      };
    };
    MC_TRY(read_frames(
        {.path = container_path(id, query)}, options.follow ? milliseconds(0) : call_timeout_,
        [&](FrameStream stream, std::string_view piece) {
          const bool is_stderr = stream == FrameStream::kStderr;
          return lines[is_stderr ? 1 : 0].feed(piece, emit(is_stderr));
        },
        stop ? std::function<bool()>([&] { return !stop(); }) : nullptr));
    // What a container wrote last need not end with a line break.
    (void)(lines[0].finish(emit(false)) && lines[1].finish(emit(true)));
    return {};
  }

  Result<ExecResult> exec(const std::string& id, const std::vector<std::string>& argv,
                          milliseconds timeout) override {
    const auto deadline = env_.clock().mono_now() + timeout;
    MC_ASSIGN(const auto created, libpod_.call({.method = "POST",
                                                .path = container_path(id, "/exec"),
                                                .body = encode_exec(argv)}));
    MC_ASSIGN(const std::string session, decode_id(created.body));
    ExecResult result;
    bool late = false;
    MC_TRY(read_frames(
        {.method = "POST",
         .path = dsl::text("/exec/{}/start", session),
         .body = R"({"Detach":false,"Tty":false})"},
        milliseconds(0),
        [&](FrameStream, std::string_view piece) {
          const std::size_t room = kExecOutputMax - result.output.size();
          result.output += piece.substr(0, room);
          return true;
        },
        [&] {
          late = late || env_.clock().mono_now() >= deadline;
          return !late;
        }));
    MC_ASSIGN(const auto reply, libpod_.call({.path = dsl::text("/exec/{}/json", session)}));
    MC_ASSIGN(const ExecState state, decode_exec(reply.body));
    if (late) {
      if (state.running && state.pid > 0) {
        (void)::kill(state.pid, SIGKILL);  // ended by itself in the meantime: as good
      }
      return fail(Code::kDeadlineExceeded, "{} ran longer than {} ms in the container",
                  argv.empty() ? "" : argv.front(), timeout.count());
    }
    result.exit_code = state.exit_code;
    return result;
  }

  Result<std::optional<Image>> image(const std::string& reference) override {
    const auto reply = libpod_.call({.path = dsl::text("/images/{}/json", encode(reference))});
    if (!reply) {
      // Here an unknown image is an answer.
      if (reply.error().code() == Code::kFailedPrecondition ||
          reply.error().code() == Code::kNotFound) {
        return std::optional<Image>{};
      }
      return tl::unexpected(reply.error());
    }
    MC_ASSIGN(Image found, decode_image(reply->body));
    return std::optional<Image>(std::move(found));
  }

  Result<std::vector<Image>> images() override {
    MC_ASSIGN(const auto reply, libpod_.call({.path = "/images/json"}));
    return decode_images(reply.body);
  }

  Result<void> pull(const std::string& reference, milliseconds timeout) override {
    const auto deadline = env_.clock().mono_now() + timeout;
    LineReader lines(kLineMax);
    Result<void> verdict;
    bool late = false;
    const auto on_line = [&](std::string_view line) {
      verdict = check_pull_line(line);
      return verdict.has_value();
    };
    const auto in_time = [&] {
      late = late || env_.clock().mono_now() >= deadline;
      return !late;
    };
    MC_TRY(dsl::with_context(
        libpod_.stream(
            {.method = "POST", .path = "/images/pull?reference=" + encode(reference)},
            milliseconds(0),
            [&](std::string_view data) { return lines.feed(data, on_line) && in_time(); }, in_time),
        "pull " + reference));
    if (late) {
      return fail(Code::kDeadlineExceeded, "pull {}: not done in {} ms", reference,
                  timeout.count());
    }
    // Order matters: the end of the stream without a line break is read only when all went well.
    if (verdict) {
      (void)lines.finish(on_line);
    }
    return dsl::with_context(std::move(verdict), "pull " + reference);
  }

  Result<void> tag(const std::string& image_id, const std::string& reference) override {
    // The tag stands after the last colon, unless that belongs to the registry's port.
    const auto slash = reference.rfind('/');
    const auto colon = reference.rfind(':');
    const bool has_tag =
        colon != std::string::npos && (slash == std::string::npos || colon > slash);
    const std::string repository = reference.substr(0, has_tag ? colon : std::string::npos);
    const std::string tag_name = has_tag ? reference.substr(colon + 1) : "latest";
    return done(libpod_.call({.method = "POST",
                              .path = dsl::text("/images/{}/tag?repo={}&tag={}", encode(image_id),
                                                encode(repository), encode(tag_name))}));
  }

  Result<std::vector<std::string>> load(const std::string& archive_path) override {
    MC_ASSIGN(const auto file, env_.files().open(archive_path, dsl::env::OpenMode::kRead));
    MC_ASSIGN(const dsl::archive::Source source, loadable_bytes(*file));
    std::vector<std::byte> piece(256u << 10);
    const auto next = [&]() -> Result<std::string_view> {
      MC_ASSIGN(const std::size_t count, source(piece));
      return std::string_view(reinterpret_cast<const char*>(piece.data()), count);
    };
    const auto reply =
        libpod_.upload({.method = "POST", .path = "/images/load", .more_time = kLoadTime}, next);
    if (!reply) {
      return fail(reply.error()).context("load " + archive_path);
    }
    return decode_loaded_names(reply->body);
  }

  // Podman writes the whole archive to a file of its own before it sends the first byte.
  Result<void> save(const std::string& image,
                    const std::function<Result<void>(std::string_view)>& on_data,
                    const std::function<bool()>& stop) override {
    Result<void> taken;
    bool stopped = false;
    const auto keep_waiting = [&] {
      stopped = stopped || (stop && stop());
      return !stopped;
    };
    const auto streamed = libpod_.stream(
        {.path = dsl::text("/images/{}/get?format=docker-archive", encode(image)),
         .more_time = kSaveTime},
        call_timeout_,
        [&](std::string_view data) {
          taken = on_data(data);
          return taken.has_value() && keep_waiting();
        },
        keep_waiting);
    MC_TRY(taken);
    if (stopped) {
      return fail(Code::kCancelled, "save {}: stopped", image);
    }
    return dsl::with_context(streamed, "save " + image);
  }

  Result<void> ensure_network(const std::string& name) override {
    const auto exists = libpod_.call({.path = dsl::text("/networks/{}/exists", encode(name))});
    if (exists) {
      return {};
    }
    if (exists.error().code() != Code::kNotFound) {
      return tl::unexpected(exists.error());
    }
    auto created = done(
        libpod_.call({.method = "POST", .path = "/networks/create", .body = encode_network(name)}));
    if (!created && created.error().code() == Code::kAlreadyExists) {
      return {};  // made by someone else just now
    }
    return created;
  }

  Result<std::vector<std::string>> networks() override {
    MC_ASSIGN(const auto reply, libpod_.call({.path = "/networks/json"}));
    return decode_network_names(reply.body);
  }

 private:
  static Result<void> done(const Result<dsl::http::Response>& reply) {
    MC_TRY(reply);
    return {};
  }

  static LogRecord log_record(bool is_stderr, bool timestamps, std::string_view line) {
    LogRecord record;
    record.is_stderr = is_stderr;
    const auto space = timestamps ? line.find(' ') : std::string_view::npos;
    if (space != std::string_view::npos) {
      record.time = line.substr(0, space);
      line.remove_prefix(space + 1);
    }
    record.line = line;
    return record;
  }

  Result<void> remove_once(const std::string& path, const std::string& id) {
    const auto reply = libpod_.call({.method = "DELETE", .path = path, .more_time = kRemoveTime});
    if (!reply && reply.error().code() != Code::kNotFound) {
      return tl::unexpected(reply.error());
    }
    std::vector<std::string> gone = {id};
    if (reply) {
      MC_ASSIGN(gone, removed_ids(reply->body));
      gone.push_back(id);
    }
    MC_ASSIGN(const std::string root, run_root());
    return forget_names(env_, root, gone);
  }

  Result<void> read_frames(const Libpod::Call& call, milliseconds idle,
                           const FrameReader::OnPiece& on_piece,
                           const std::function<bool()>& keep_waiting) {
    FrameReader frames;
    Result<void> malformed;
    MC_TRY(libpod_.stream(
        call, idle,
        [&](std::string_view data) {
          auto more = frames.feed(data, on_piece);
          if (!more) {
            malformed = tl::unexpected(std::move(more).error());
            return false;
          }
          return *more && (!keep_waiting || keep_waiting());
        },
        keep_waiting));
    return malformed;
  }

  dsl::env::Env& env_;
  const milliseconds call_timeout_;
  const std::string mode_;
  const std::string socket_;
  const std::unique_ptr<ServiceProcess> service_;
  const std::vector<Ulimit> ulimits_;
  Libpod libpod_;
  std::mutex run_root_mutex_;
  std::string run_root_;
};

Result<std::string> runtime_directory(dsl::env::Env& env) {
  const auto directory = env.variable("XDG_RUNTIME_DIR");
  if (!directory || directory->empty()) {
    return fail(Code::kFailedPrecondition, "XDG_RUNTIME_DIR is not set")
        .hint("set it to /run/user/<uid>, or name [podman] socket");
  }
  return *directory;
}

// The runtime behind `socket`, once it has proved to be a podman that we can speak to.
Result<std::unique_ptr<PodmanRuntime>> connect(dsl::env::Env& env, const PodmanOptions& options,
                                               const std::string& mode, const std::string& socket,
                                               std::unique_ptr<ServiceProcess> service) {
  MC_ASSIGN(const std::string version, Libpod(env, {.socket = socket}).ping());
  if (version.empty() || version[0] < '4' || version.find('.') == std::string::npos) {
    const bool two_digits = version.find('.') == 2;  // 10.0 is later than 4.0
    if (!two_digits) {
      return fail(Code::kFailedPrecondition, "podman's API is {}, at least 4.0 is needed", version)
          .hint("install podman 4.0 or later");
    }
  }
  MC_ASSIGN(auto ulimits, default_ulimits(env));
  return std::make_unique<Podman>(env, options, mode, socket, std::move(service),
                                  std::move(ulimits));
}

}  // namespace

Result<std::unique_ptr<PodmanRuntime>> PodmanRuntime::open(dsl::env::Env& env,
                                                           const PodmanOptions& options) {
  if (options.mode != "auto" && options.mode != "socket" && options.mode != "spawn") {
    return fail(Code::kInvalidArgument, "[podman] mode '{}' is none of auto, socket, spawn",
                options.mode);
  }
  std::string served = options.socket;
  std::string ours = options.socket;
  if (options.socket.empty()) {
    MC_ASSIGN(const std::string directory, runtime_directory(env));
    served = directory + "/podman/podman.sock";
    ours = directory + "/mcp/podman.sock";
  }

  if (options.mode != "spawn") {
    auto runtime = connect(env, options, "socket", served, nullptr);
    if (runtime || options.mode == "socket" || runtime.error().code() != Code::kUnavailable) {
      return runtime;
    }
  }
  MC_ASSIGN(auto service, ServiceProcess::open(env, ours, options.log_path));
  return connect(env, options, "spawn", ours, std::move(service));
}

}  // namespace mcp::runtime
