#include "mcp/cli/operation_follow.h"

#include "mcp/cli/interrupts.h"
#include "mcp/cli/operation_report.h"

namespace mcp::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::chrono::milliseconds kSecondThought{3000};

// What Ctrl-C does to one operation. Confined to the thread that waits for its events.
class Departure {
 public:
  Departure(Context& context, Client& client, const std::string& operation_id)
      : context_(context), client_(client), id_(operation_id) {}

  // Polled while waiting: true = leave now.
  bool wanted() {
    const int count = interrupts_.count();
    if (count == 0) {
      return false;
    }
    if (id_.empty() || count >= 3) {
      return true;
    }
    if (!leave_at_) {
      leave_at_ = context_.env.clock().mono_now() + kSecondThought;
      context_.complain(
          text("\noperation {} goes on without this command; Ctrl-C again within {} s "
               "cancels it and rolls back",
               id_, kSecondThought.count() / 1000));
    }
    if (count >= 2 && !cancelling_) {
      cancel();
    }
    return !cancelling_ && context_.env.clock().mono_now() >= *leave_at_;
  }

 private:
  void cancel() {
    cancelling_ = true;
    pb::CancelOperationRequest request;
    request.set_id(id_);
    const Result<pb::Operation> answer = client_.call<pb::Operation>("CancelOperation", request);
    context_.complain(answer ? text("cancelling {}; waiting for the roll back", id_)
                             : answer.error().render());
  }

  Context& context_;
  Client& client_;
  const std::string& id_;
  Interrupts interrupts_;
  std::optional<dsl::env::MonoTime> leave_at_;
  bool cancelling_ = false;
};

// The call ended, the operation did not.
dsl::Error left_behind(dsl::Error error, const std::string& id, bool by_choice) {
  if (id.empty()) {
    return by_choice ? dsl::Error(Code::kCancelled, "interrupted before the operation began")
                     : std::move(error);
  }
  if (by_choice) {
    return fail(Code::kCancelled, "operation {} goes on", id)
        .hint("`mcp events -f` follows it, `mcp status` shows how it ended");
  }
  error.add_context(text("while following operation {}", id));
  error.set_hint(
      text("the agent goes on with operation {}, or undoes it after a restart; `mcp "
           "status` shows how it ended",
           id));
  return error;
}

}  // namespace

Result<pb::Operation> follow_operation(Context& context, const std::string& method,
                                       const google::protobuf::Message& request) {
  MC_ASSIGN(Client * client, context.client());
  std::string id;
  std::optional<pb::Operation> result;
  bool left = false;
  dsl::cli::Progress progress(context.globals);
  Departure departure(context, *client, id);

  const Result<void> streamed = client->stream<pb::OperationEvent>(
      method, request,
      [&](const pb::OperationEvent& event) -> Result<void> {
        if (event.has_progress()) {
          const auto& step = event.progress();
          progress.step(step.step(), step.total(), step.component(), step.message());
        } else if (event.has_result()) {
          result = event.result();
        } else if (!event.notice().empty()) {
          progress.done();
          context.note(text("note: {}", event.notice()));
        } else if (!event.operation_id().empty()) {
          id = event.operation_id();
        }
        return {};
      },
      [&] {
        left = departure.wanted();
        return left;
      });
  progress.done();
  if (result) {
    return *result;
  }
  if (!streamed) {
    return tl::unexpected(left_behind(streamed.error(), id, left));
  }
  return fail(Code::kInternal, "the agent ended the call without a result");
}

int finish_operation(Context& context, const pb::Operation& operation) {
  if (context.json()) {
    context.print_json(operation);
  } else if (succeeded(operation)) {
    context.print(operation_report(context.globals, operation));
  } else {
    std::string report = operation_report(context.globals, operation);
    report.pop_back();  // complain ends the line
    context.complain(report);
  }
  return operation_exit_code(operation);
}

}  // namespace mcp::cli
