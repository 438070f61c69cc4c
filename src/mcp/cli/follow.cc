// mcp logs, events, watch
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>

#include "mcp/cli/commands.h"
#include "mcp/cli/format.h"
#include "mcp/cli/live_screen.h"
#include "mcp/cli/tables.h"
#include "mcp/cli/target.h"

namespace mcp::cli {

using dsl::text;
using dsl::cli::Command;

namespace {

struct LogOptions {
  std::string target;
  bool follow = false;
  bool timestamps = false;
  std::int64_t tail = 0;
  std::chrono::milliseconds since{0};
};

// A prefix per container, each in a colour of its own, as wide as the widest so far.
class LogPrefix {
 public:
  explicit LogPrefix(bool color) : color_(color) {}

  std::string of(const std::string& container) {
    constexpr std::array<int, 6> kColors = {36, 33, 35, 32, 34, 31};
    const auto known = index_.emplace(container, index_.size()).first;
    width_ = std::max(width_, container.size());
    std::string name = container;
    name.resize(width_, ' ');
    return color_ ? text("\x1b[{}m{} |\x1b[0m ", kColors.at(known->second % kColors.size()), name)
                  : text("{} | ", name);
  }

 private:
  const bool color_;
  std::size_t width_ = 0;
  std::map<std::string, std::size_t> index_;
};

Result<int> logs(Context& context, const LogOptions& options) {
  MC_ASSIGN(const Target target, parse_target(options.target));
  if (options.tail < 0 || options.tail > INT32_MAX) {
    return dsl::fail(dsl::Code::kInvalidArgument, "--tail {}: not a number of lines", options.tail);
  }
  pb::LogsRequest request;
  request.set_service(target.service);
  request.set_component(target.component);
  request.set_follow(options.follow);
  request.set_timestamps(options.timestamps);
  request.set_tail(static_cast<std::int32_t>(options.tail));
  if (options.since.count() > 0) {
    request.set_since_ms(context.now_ms() - options.since.count());
  }
  MC_ASSIGN(Client * client, context.client());
  LogPrefix prefix(context.globals.color);
  MC_TRY(client->stream<pb::LogLine>("Logs", request, [&](const pb::LogLine& line) -> Result<void> {
    if (context.json()) {
      context.print_json_line(line);
    } else {
      context.print_now(text("{}{}{}\n", prefix.of(line.container()),
                             line.time().empty() ? "" : line.time() + " ", line.line()));
    }
    return {};
  }));
  return dsl::kExitOk;
}

struct EventOptions {
  std::string service;
  bool follow = false;
  std::int64_t limit = 100;
};

Result<int> events(Context& context, const EventOptions& options) {
  if (options.limit < 1 || options.limit > 100'000) {
    return dsl::fail(dsl::Code::kInvalidArgument, "--limit {}: not within 1 and 100000",
                     options.limit);
  }
  pb::ListEventsRequest request;
  request.set_follow(options.follow);
  request.set_service(options.service);
  request.set_limit(static_cast<std::int32_t>(options.limit));
  MC_ASSIGN(Client * client, context.client());
  std::vector<pb::Event> past;  // as many as asked for at most
  std::size_t width = 18;
  MC_TRY(
      client->stream<pb::Event>("ListEvents", request, [&](const pb::Event& event) -> Result<void> {
        if (context.json()) {
          context.print_json_line(event);
        } else if (options.follow) {
          context.print_now(event_line(context.globals, event, width));
        } else {
          past.push_back(event);
        }
        return {};
      }));
  context.print(event_lines(context.globals, past));
  return dsl::kExitOk;
}

// One change on a line: for a pipe.
std::string change_line(const Context& context, const pb::ContainerState& state) {
  return text("{}  {}  {}{}\n", time_text(context.now_ms()), state.container(),
              painted_state(context.globals, state.observed()),
              state.note().empty() ? "" : text("  {}", state.note()));
}

Result<int> watch(Context& context, const std::string& service) {
  pb::WatchRequest request;
  request.set_service(service);
  MC_ASSIGN(Client * client, context.client());
  std::map<std::string, pb::ContainerState> states;
  LiveScreen screen(context);
  MC_TRY(client->stream<pb::ContainerState>(
      "Watch", request, [&](const pb::ContainerState& state) -> Result<void> {
        states[state.container()] = state;
        if (context.json()) {
          context.print_json_line(state);
        } else if (screen.active()) {
          pb::ListContainersReply all;
          for (const auto& [name, present] : states) {
            *all.add_containers() = present;
          }
          screen.show(containers_table(context.globals, all, context.now_ms()));
        } else {
          context.print_now(change_line(context, state));
        }
        return {};
      }));
  return dsl::kExitOk;
}

Command logs_command(Context& context) {
  const auto options = std::make_shared<LogOptions>();
  Command command;
  command.name = "logs";
  command.summary = "Show the log lines of a service's containers";
  command.examples = {"mcp logs mcr", "mcp logs mcr/web -f --since 5m",
                      "mcp logs mcns --tail 50 --timestamps"};
  command.options = {
      {.name = "SERVICE",
       .target = &options->target,
       .help = "SERVICE or SERVICE/COMPONENT",
       .required = true,
       .complete = "target"},
      {.name = "-f,--follow", .target = &options->follow, .help = "Go on with new lines"},
      {.name = "--since",
       .target = &options->since,
       .help = "Only lines younger than this, such as 5m",
       .value_name = "AGE"},
      {.name = "--tail",
       .target = &options->tail,
       .help = "Only the last lines of each container",
       .value_name = "LINES"},
      {.name = "--timestamps", .target = &options->timestamps, .help = "Put the time before each"}};
  command.run = [&context, options] { return logs(context, *options); };
  return command;
}

Command events_command(Context& context) {
  const auto options = std::make_shared<EventOptions>();
  Command command;
  command.name = "events";
  command.summary = "Show what happened on this node, oldest first";
  command.examples = {"mcp events", "mcp events mcr --limit 20", "mcp events -f"};
  command.options = {
      {.name = "SERVICE",
       .target = &options->service,
       .help = "Only of this service",
       .complete = "service"},
      {.name = "-f,--follow", .target = &options->follow, .help = "Go on with new events"},
      {.name = "--limit",
       .target = &options->limit,
       .help = "At most so many of the past; default: 100",
       .value_name = "EVENTS"}};
  command.run = [&context, options] { return events(context, *options); };
  return command;
}

Command watch_command(Context& context) {
  const auto service = std::make_shared<std::string>();
  Command command;
  command.name = "watch";
  command.summary = "Follow the state of containers live";
  command.description =
      "On a terminal a table that is redrawn with every change; in a pipe a line for each change.";
  command.examples = {"mcp watch", "mcp watch mcr"};
  command.options = {{.name = "SERVICE",
                      .target = service.get(),
                      .help = "Only of this service",
                      .complete = "service"}};
  command.run = [&context, service] { return watch(context, *service); };
  return command;
}

}  // namespace

std::vector<Command> follow_commands(Context& context) {
  return {logs_command(context), events_command(context), watch_command(context)};
}

}  // namespace mcp::cli
