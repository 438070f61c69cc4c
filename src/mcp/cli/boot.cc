// mcp boot, boot status, boot retry|skip|proceed|abort
#include <map>

#include "mcp/cli/boot_text.h"
#include "mcp/cli/commands.h"
#include "mcp/cli/live_screen.h"
#include "mcp/cli/target.h"

namespace mcp::cli {

using dsl::text;
using dsl::cli::Command;

namespace {

constexpr std::chrono::milliseconds kWatchInterval{500};

Result<void> refuse_dry_run(const Context& context) {
  if (!context.globals.dry_run) {
    return {};
  }
  return dsl::fail(dsl::Code::kInvalidArgument, "a boot run has no --dry-run")
      .hint("mcp agent recover --dry-run shows what is not as it should be");
}

Result<pb::BootRun> get_boot(Context& context) {
  MC_ASSIGN(Client * client, context.client());
  return client->call<pb::BootRun>("GetBoot", pb::GetBootRequest());
}

void show_run(Context& context, const pb::BootRun& run) {
  if (context.json()) {
    context.print_json(run);
  } else {
    context.print(boot_page(context.globals, run, context.now_ms()));
  }
}

// `mcp boot`: items as they change, then the table.
Result<int> start_boot(Context& context, bool down) {
  MC_TRY(refuse_dry_run(context));
  pb::BootRequest request;
  request.set_down(down);
  request.mutable_change()->set_request_id(context.request_id());
  request.mutable_change()->set_source("cli");
  pb::BootRun end;
  MC_ASSIGN(Client * client, context.client());
  MC_TRY(client->stream<pb::BootEvent>(
      "Boot", request, [&](const pb::BootEvent& event) -> Result<void> {
        if (event.has_run()) {
          end = event.run();
        }
        if (context.json()) {
          context.print_json_line(event);
        } else if (event.has_item() && !context.globals.quiet) {
          context.print_now(boot_item_line(context.globals, event.item()) + "\n");
        }
        return {};
      }));
  if (!context.json() && end.id() != 0) {
    context.print("\n" + boot_page(context.globals, end, context.now_ms()));
  }
  return boot_exit_code(end);
}

// Until the run has ended: the page in place, or a line for each change.
Result<int> watch_boot(Context& context) {
  const LiveScreen screen(context);
  std::map<std::string, std::string> shown;
  while (true) {
    MC_ASSIGN(const pb::BootRun run, get_boot(context));
    if (screen.active()) {
      screen.show(boot_page(context.globals, run, context.now_ms()));
    } else if (context.json()) {
      context.print_json_line(run);
    } else {
      for (const pb::BootItem& item : run.items()) {
        const std::string line = boot_item_line(context.globals, item);
        std::string& last = shown[item.service() + "/" + item.component()];
        if (last != line) {
          context.print_now(line + "\n");
          last = line;
        }
      }
    }
    if (run.state() == "done" || run.state() == "aborted") {
      return boot_exit_code(run);
    }
    context.env.clock().sleep_for(kWatchInterval);
  }
}

Result<int> boot_status(Context& context, bool watch) {
  if (watch) {
    return watch_boot(context);
  }
  MC_ASSIGN(const pb::BootRun run, get_boot(context));
  show_run(context, run);
  return boot_exit_code(run);
}

Result<int> control(Context& context, const std::string& action, const std::string& component) {
  MC_TRY(refuse_dry_run(context));
  if (!component.empty()) {
    MC_TRY(parse_target(component));
  }
  pb::BootControlRequest request;
  request.set_action(action);
  request.set_component(component);
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const pb::BootRun run, client->call<pb::BootRun>("BootControl", request));
  show_run(context, run);
  return dsl::kExitOk;
}

Command item_command(Context& context, const std::string& action, const std::string& summary) {
  const auto component = std::make_shared<std::string>();
  Command command;
  command.name = action;
  command.summary = summary;
  command.examples = {text("mcp boot {} mcr/api", action)};
  command.options = {{.name = "COMPONENT",
                      .target = component.get(),
                      .help = "SERVICE/COMPONENT, as boot status names it",
                      .required = true,
                      .complete = "target"}};
  command.run = [&context, action, component] { return control(context, action, *component); };
  return command;
}

Command run_command(Context& context, const std::string& action, const std::string& summary) {
  Command command;
  command.name = action;
  command.summary = summary;
  command.examples = {text("mcp boot {}", action)};
  command.run = [&context, action] { return control(context, action, ""); };
  return command;
}

Command boot_status_command(Context& context) {
  const auto watch = std::make_shared<bool>(false);
  Command command;
  command.name = "status";
  command.summary = "Show the present boot run, or the last one";
  command.description =
      "Exit code 0 when it is done, 7 while it runs or holds, 1 when it was aborted.";
  command.examples = {"mcp boot status", "mcp boot status --watch"};
  command.options = {
      {.name = "-w,--watch", .target = watch.get(), .help = "Follow the run until it has ended"}};
  command.run = [&context, watch] { return boot_status(context, *watch); };
  return command;
}

}  // namespace

Command boot_command(Context& context) {
  const auto down = std::make_shared<bool>(false);
  Command command;
  command.name = "boot";
  command.summary = "Bring all services up in order, or see how that goes";
  command.description =
      "Without a further command: starts a boot run. Services come up stage by stage, each behind "
      "its health gate and after what it depends on; what is healthy is left alone. The agent does "
      "the same by itself after a reboot. With --down everything is stopped in reverse order.";
  command.examples = {"mcp boot", "mcp boot status --watch", "mcp boot retry mcns/api",
                      "mcp boot --down"};
  command.options = {
      {.name = "--down", .target = down.get(), .help = "Stop every service, in reverse order"}};
  command.commands = {
      boot_status_command(context),
      item_command(context, "retry", "Try a component again now"),
      item_command(context, "skip", "Go on without a component"),
      run_command(context, "proceed", "Open the next stage although this one is not healthy"),
      run_command(context, "abort", "End the run; what runs goes on running"),
  };
  command.run = [&context, down] { return start_boot(context, *down); };
  return command;
}

}  // namespace mcp::cli
