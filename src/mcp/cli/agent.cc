// mcp agent status, agent recover
#include <algorithm>
#include <map>

#include "mcp/cli/boot_text.h"
#include "mcp/cli/commands.h"
#include "mcp/cli/format.h"
#include "mcp/cli/interrupts.h"
#include "mcp/cli/operation_report.h"
#include "mcp/cli/status_text.h"

namespace mcp::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::cli::Command;

namespace {

struct RecoverOptions {
  std::vector<std::string> services;
  std::string orphans = "report";
  std::string pull = "never";
};

// Collects and shows what a recovery streams: the plan, then the items, then the end.
class RecoverView {
 public:
  explicit RecoverView(Context& context) : context_(context) {}

  void take(const pb::RecoverEvent& event) {
    if (context_.json()) {
      context_.print_json_line(event);
    }
    if (event.has_plan()) {
      plan_.push_back(event.plan());
      return;
    }
    show_plan();
    if (event.has_item()) {
      take_item(event.item());
    } else if (event.has_result()) {
      result_ = event.result();
    } else if (!event.notice().empty() && !context_.json()) {
      context_.note(text("note: {}", event.notice()));
    }
  }

  // The final table and the exit code.
  Result<int> finish(bool dry_run) {
    show_plan();
    if (!result_) {
      return fail(Code::kInternal, "the agent ended the recovery without a result")
          .hint("`mcp boot status` shows what runs");
    }
    const bool blocked = std::any_of(plan_.begin(), plan_.end(),
                                     [](const auto& row) { return row.action() == "blocked"; });
    if (dry_run) {
      return finish_plan(blocked);
    }
    if (!context_.json()) {
      show_end();
    }
    if (blocked) {
      return dsl::kExitNotRecoverable;
    }
    return operation_exit_code(*result_);
  }

 private:
  void show_plan() {
    if (plan_shown_ || context_.json()) {
      return;
    }
    plan_shown_ = true;
    if (plan_.empty()) {
      context_.print_now("nothing is registered here, so there is nothing to recover\n");
    } else {
      context_.print_now(plan_table(context_.globals, plan_) + "\n");
    }
  }

  void take_item(const pb::BootItem& item) {
    pb::BootItem& known = items_[item.service() + "/" + item.component()];
    if (known.service().empty()) {
      order_.push_back(item.service() + "/" + item.component());
      (void)stage_rank(item.stage());  // ranks follow the order of arrival
    }
    known = item;
    if (!context_.json()) {
      context_.note(boot_item_line(context_.globals, item));
    }
  }

  int finish_plan(bool blocked) {
    const bool changes = !std::all_of(plan_.begin(), plan_.end(), changes_nothing);
    if (!context_.json()) {
      context_.print(blocked   ? "not everything can be recovered; nothing was changed\n"
                     : changes ? "`mcp agent recover` will do this; nothing was changed\n"
                               : "nothing to do\n");
    }
    return blocked ? dsl::kExitNotRecoverable : changes ? dsl::kExitChangesNeeded : dsl::kExitOk;
  }

  void show_end() {
    google::protobuf::RepeatedPtrField<pb::BootItem> by_stage;
    for (const std::string& key : order_) {
      *by_stage.Add() = items_[key];
    }
    std::stable_sort(by_stage.begin(), by_stage.end(), [&](const auto& a, const auto& b) {
      return stage_rank(a.stage()) < stage_rank(b.stage());
    });
    if (!by_stage.empty()) {
      context_.print("\n" + boot_table(context_.globals, by_stage) + "\n");
    }
    const std::string report = operation_report(context_.globals, *result_);
    if (succeeded(*result_)) {
      context_.print(report);
    } else {
      context_.complain(report.substr(0, report.size() - 1));
    }
  }

  // Stages in the order in which they first came up.
  std::size_t stage_rank(const std::string& stage) {
    const auto known = std::find(stages_.begin(), stages_.end(), stage);
    if (known == stages_.end()) {
      stages_.push_back(stage);
      return stages_.size() - 1;
    }
    return static_cast<std::size_t>(known - stages_.begin());
  }

  Context& context_;
  std::vector<pb::PlanRow> plan_;
  bool plan_shown_ = false;
  std::map<std::string, pb::BootItem> items_;
  std::vector<std::string> order_;
  std::vector<std::string> stages_;
  std::optional<pb::Operation> result_;
};

Result<int> recover(Context& context, const RecoverOptions& options) {
  pb::RecoverRequest request;
  for (const std::string& service : options.services) {
    request.add_services(service);
  }
  request.set_orphans(options.orphans);
  request.set_pull(options.pull);
  request.mutable_change()->set_request_id(context.request_id());
  request.mutable_change()->set_source("cli");
  request.mutable_change()->set_dry_run(context.globals.dry_run);

  MC_ASSIGN(Client * client, context.client());
  RecoverView view(context);
  const Interrupts interrupts;
  const Result<void> streamed = client->stream<pb::RecoverEvent>(
      "Recover", request,
      [&](const pb::RecoverEvent& event) -> Result<void> {
        view.take(event);
        return {};
      },
      [&] { return interrupts.count() > 0; });
  if (!streamed && interrupts.count() > 0) {
    return fail(Code::kCancelled, "the recovery goes on without this command")
        .hint("`mcp boot status --watch` follows it");
  }
  MC_TRY(streamed);
  return view.finish(context.globals.dry_run);
}

Result<int> agent_status(Context& context) {
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const pb::AgentStatus status,
            client->call<pb::AgentStatus>("GetStatus", pb::GetStatusRequest()));
  if (context.json()) {
    context.print_json(status);
  } else {
    context.print(agent_page(context.globals, status, context.now_ms()));
  }
  return dsl::kExitOk;
}

Command recover_command(Context& context) {
  const auto options = std::make_shared<RecoverOptions>();
  Command command;
  command.name = "recover";
  command.summary = "Bring every registered container back, whatever podman has lost";
  command.description =
      "Prints the plan, carries it out at once in boot order behind the health gates, and prints "
      "what came up when. Never pulls unless told, never deletes an image, a volume or a file. A "
      "container that is as it should be is left alone, so it may be run again at any time.\n"
      "\n"
      "Exit code 0 when all is back, 7 when part of it is, 11 when something cannot be recovered; "
      "with --dry-run 10 when there is something to do.";
  command.examples = {"mcp agent recover --dry-run", "mcp agent recover",
                      "mcp agent recover --service mcns --service mcr"};
  command.options = {{.name = "--service",
                      .target = &options->services,
                      .help = "Only this one; may be given more than once",
                      .value_name = "SERVICE",
                      .complete = "service"},
                     {.name = "--orphans",
                      .target = &options->orphans,
                      .help = "Managed containers that the registry does not know; default: report",
                      .value_name = "WHAT",
                      .one_of = {"report", "remove"}},
                     {.name = "--pull",
                      .target = &options->pull,
                      .help = "Images that are on no disk here; default: never",
                      .value_name = "WHEN",
                      .one_of = {"never", "missing"}}};
  command.run = [&context, options] { return recover(context, *options); };
  return command;
}

}  // namespace

Command agent_command(Context& context) {
  Command status;
  status.name = "status";
  status.summary = "Show the agent: versions, paths, runtime, registry";
  status.examples = {"mcp agent status"};
  status.run = [&context] { return agent_status(context); };

  Command command;
  command.name = "agent";
  command.summary = "Look at the agent, or have it recover the node";
  command.commands = {std::move(status), recover_command(context)};
  return command;
}

}  // namespace mcp::cli
