#include "mcp/agent/namespace_helper.h"

#include <cerrno>

#include <unistd.h>

#include "dsl/env/errno_error.h"
#include "dsl/env/path.h"
#include "dsl/log/log.h"
#include "mcp/agent/containers.h"
#include "mcp/files/link.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;
using files::UniqueFd;

namespace {

const dsl::log::Logger logger("agent.files");
constexpr const char* kProgram = "mcp-ns";
constexpr const char* kData = "/data";
constexpr const char* kExchange = "/exchange";
constexpr std::chrono::milliseconds kStartPatience{30000};
constexpr int kStartSliceMs = 500;
constexpr int kAnswerMs = 600'000;  // a commit waits for the disk
constexpr int kTries = 2;           // the first helper may have gone to rest just now

Error unavailable(Error error) {
  error.add_context("the namespace helper, which reaches files of the containers' users");
  return fail(Code::kUnavailable, "{}", error.message())
      .id(model::code::kHelperUnavailable)
      .hint(error.hint().empty() ? "mcp-agent doctor checks podman and the user namespace"
                                 : error.hint());
}

}  // namespace

Result<files::Performed> NamespaceHelpers::perform(const std::string& service,
                                                   const std::string& directory,
                                                   const files::Request& request) {
  Helper* helper = nullptr;
  {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<Helper>& slot = helpers_[service];
    if (!slot) {
      slot = std::make_unique<Helper>();
    }
    helper = slot.get();
  }
  const std::lock_guard lock(helper->mutex);
  // After a restore another directory has the name, and the helper still has the former one.
  MC_ASSIGN(const dsl::env::FileInfo named, env_.files().stat(directory));
  if (named.inode != helper->directory) {
    helper->line.reset();
  }
  helper->directory = named.inode;
  int error = 0;
  for (int tries = 0; tries < kTries; ++tries) {
    if (!helper->line) {
      Result<UniqueFd> started = start(service, directory);
      if (!started) {
        return tl::unexpected(unavailable(std::move(started).error()));
      }
      helper->line = std::move(*started);
    }
    error = files::send_message(helper->line.get(), files::encode(request));
    files::Message message;
    if (error == 0) {
      message = files::receive_message(helper->line.get(), kAnswerMs);
      error = message.error;
    }
    if (error == 0) {
      if (const auto answer = files::decode_answer(message.bytes)) {
        return files::Performed{.answer = *answer, .fd = std::move(message.fd)};
      }
      error = EPROTO;
    }
    helper->line.reset();
    if (error != ECONNRESET) {
      break;
    }
  }
  return tl::unexpected(unavailable(dsl::env::errno_error(error, "speak to", "it")));
}

std::string NamespaceHelpers::folder() const {
  return dsl::env::folder_of(config_.database_path) + "/ns";
}

// A root directory with nothing in it but the program, which is linked statically.
Result<void> NamespaceHelpers::install() {
  const std::lock_guard lock(mutex_);
  if (installed_) {
    return {};
  }
  MC_ASSIGN(const std::string own, env_.files().canonical("/proc/self/exe"));
  const std::string source = dsl::env::folder_of(own) + "/" + kProgram;
  const Result<std::string> program = env_.files().read_file(source);
  if (!program) {
    return fail(Code::kUnavailable, "{} is not there: {}", source, program.error().message())
        .hint(text("install {} beside mcp-agent: it is in the same package", kProgram));
  }
  const std::string root = folder() + "/root";
  for (const std::string& inside : {std::string(), std::string(kData), std::string(kExchange)}) {
    MC_TRY(env_.files().make_directories(root + inside, 0755));
  }
  const std::string target = root + "/" + kProgram;
  if (env_.files().read_file(target).value_or("") != *program) {
    MC_TRY(env_.files().write_file(target, *program, 0755));
  }
  installed_ = true;
  return {};
}

Result<UniqueFd> NamespaceHelpers::start(const std::string& service, const std::string& directory) {
  MC_TRY(install());
  const std::string exchange = folder() + "/" + service;
  MC_TRY(env_.files().make_directories(exchange, 0700));
  const UniqueFd listener = files::listen_in(exchange);
  if (!listener) {
    return fail(dsl::env::errno_error(errno, "listen in", exchange));
  }
  MC_ASSIGN(const std::string id, create(service, directory, exchange));
  const Result<void> started = runtime_.start(id);
  Result<UniqueFd> line =
      started ? wait_for(listener.get(), id) : Result<UniqueFd>(tl::unexpected(started.error()));
  (void)env_.files().remove(exchange + "/" + files::kSocketName);  // one helper, one line
  if (!line) {
    (void)runtime_.remove(id, true);  // what led here is the error to report
    return line;
  }
  logger.info("namespace helper started", {{"service", service}});
  return line;
}

Result<std::string> NamespaceHelpers::create(const std::string& service,
                                             const std::string& directory,
                                             const std::string& exchange) {
  runtime::ContainerSpec spec;
  spec.rootfs = folder() + "/root";
  spec.remove_at_end = true;
  spec.labels = {{std::string(kLabelHelper), "files"}, {std::string(kLabelService), service}};
  model::Component& component = spec.component;
  component.name = service;
  component.container = "mcp_files." + service;  // no service's container has an underscore
  component.network = "none";
  component.restart = "no";
  component.cmd = std::vector<std::string>{
      std::string("/") + kProgram, std::string(kExchange) + "/" + files::kSocketName, kData};
  component.volumes = {{directory, kData, {"rw", "nosuid", "nodev", "noexec"}},
                       {exchange, kExchange, {"rw", "nosuid", "nodev", "noexec"}}};
  component.cap_drop = {"ALL"};
  component.cap_add = {"CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER"};
  component.stop_timeout = std::chrono::milliseconds(0);
  Result<std::string> id = runtime_.create(spec);
  if (!id && id.error().code() == Code::kAlreadyExists) {
    // Of an agent that was killed, or of a boot before this one.
    MC_TRY(runtime_.remove(component.container, true));
    id = runtime_.create(spec);
  }
  return id;
}

Result<UniqueFd> NamespaceHelpers::wait_for(int listener, const std::string& container) {
  const auto deadline = env_.clock().mono_now() + kStartPatience;
  while (env_.clock().mono_now() < deadline) {
    UniqueFd line = files::accept_from(listener, ::geteuid(), kStartSliceMs);
    if (line) {
      return line;
    }
    if (errno != ETIMEDOUT) {
      return fail(dsl::env::errno_error(errno, "let in", "it"));
    }
    const Result<runtime::Container> state = runtime_.inspect(container);
    if (!state ||
        (state->state != runtime::State::kRunning && state->state != runtime::State::kCreated)) {
      return fail(Code::kUnavailable, "it ended at once");
    }
  }
  return fail(Code::kUnavailable, "it did not start within {} s", kStartPatience.count() / 1000);
}

}  // namespace mcp::agent
