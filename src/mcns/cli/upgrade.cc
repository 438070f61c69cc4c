// mcns upgrade
#include "dsl/json/text.h"
#include "dsl/result/text.h"
#include "mcns/cli/commands.h"
#include "mcns/handover/heir.h"

namespace mcns::cli {

using dsl::Code;
using dsl::fail;
using dsl::cli::Command;

namespace {

// The server gives up on a new process by itself, and says so; this only ends what hangs.
constexpr std::chrono::milliseconds kBeyondTimeout{90'000};

std::string quoted(const std::string& text) {
  std::string out;
  dsl::json::append_string(text, out);
  return out;
}

Result<int> upgrade(Context& context, const UpgradeSettings& settings) {
  if (context.globals.dry_run) {
    context.note("nothing was started");
    return dsl::kExitOk;
  }
  const auto timeout = context.globals.timeout.count() > 0 ? context.globals.timeout
                                                           : settings.timeout + kBeyondTimeout;
  auto done = handover::request_upgrade(settings.socket, timeout);
  if (!done && done.error().code() == Code::kNotFound) {
    return fail(Code::kUnavailable, "no name service of this version listens on {}",
                settings.socket)
        .hint(
            "start it: the program on disk is what runs then; or name its configuration with "
            "--config");
  }
  if (!done) {
    return tl::unexpected(done.error());
  }
  if (context.json()) {
    context.print("{\"from\": " + quoted(done->from) + ", \"to\": " + quoted(done->to) +
                  ", \"took_ms\": " + done->took_ms + ", \"pid\": " + done->pid + "}\n");
  } else {
    context.print(dsl::text("{} has handed over to {} in {} ms (process {})\n", done->from,
                            done->to, done->took_ms, done->pid));
  }
  return dsl::kExitOk;
}

}  // namespace

Command upgrade_command(Context& context, std::function<Result<UpgradeSettings>()> settings) {
  Command command;
  command.name = "upgrade";
  command.summary = "Let the program on disk take the place of the one that runs";
  command.description =
      "The new process gets the very same sockets, so no question is lost; when it cannot start, "
      "the old one goes on. To be run on the server, by the user of the service or root; the same "
      "as SIGUSR2 to the service. In a container that lives as long as its first process, deploy "
      "the new image instead.";
  command.examples = {"mcns upgrade", "mcns upgrade --config /etc/mcns.toml --json"};
  command.run = [&context, settings = std::move(settings)]() -> Result<int> {
    MC_ASSIGN(const UpgradeSettings found, settings());
    return upgrade(context, found);
  };
  return command;
}

}  // namespace mcns::cli
