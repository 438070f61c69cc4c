#include "mcp/cli/boot_text.h"

#include <algorithm>

#include "dsl/result/result.h"
#include "mcp/cli/format.h"

namespace mcp::cli {

using dsl::text;
using dsl::cli::Globals;
using dsl::cli::Paint;
using dsl::cli::Table;

namespace {

std::string key(const pb::BootItem& item) {
  return item.component().empty() ? item.service() : item.service() + "/" + item.component();
}

// What an item waits for, or what its gate said last.
std::string answer(const pb::BootItem& item) {
  if (item.state() == "blocked" && item.blocked_by_size() > 0) {
    std::string out = "waits for ";
    for (int i = 0; i < item.blocked_by_size(); ++i) {
      out += (i == 0 ? "" : ", ") + item.blocked_by(i);
    }
    return out;
  }
  std::string said = item.state() == "healthy" || item.error().empty() ? item.gate() : item.error();
  if (item.gate_type().empty() || said.starts_with(item.gate_type())) {
    return said;  // gates begin their answer with what they are
  }
  return said.empty() ? item.gate_type() : text("{}: {}", item.gate_type(), said);
}

// Whatever becomes of the run.
bool has_ended(const pb::BootItem& item) {
  return item.state() == "healthy" || item.state() == "healthy(sealed)" ||
         item.state() == "skipped" || item.state() == "image-missing";
}

Paint action_paint(std::string_view action) {
  if (action == "keep") {
    return Paint::kDim;
  }
  if (action == "blocked") {
    return Paint::kBad;
  }
  return action == "orphan" || action == "stale" || action == "foreign" ? Paint::kWarn
                                                                        : Paint::kGood;
}

}  // namespace

std::string boot_table(const Globals& globals,
                       const google::protobuf::RepeatedPtrField<pb::BootItem>& items) {
  Table table({{"STAGE"},
               {"COMPONENT"},
               {"STATE"},
               {.title = "TIME", .right = true},
               {.title = "TRIES", .right = true},
               {"GATE"}});
  std::string stage;
  for (const pb::BootItem& item : items) {
    table.add({item.stage() == stage ? "" : item.stage(), key(item),
               painted_state(globals, item.state()), item.ms() > 0 ? duration_text(item.ms()) : "-",
               std::to_string(item.attempts()), answer(item)});
    stage = item.stage();
  }
  return table.render(globals);
}

std::string boot_page(const Globals& globals, const pb::BootRun& run, std::int64_t now_ms) {
  const std::int64_t end = run.ended_ms() > 0 ? run.ended_ms() : now_ms;
  std::string out =
      text("boot run {} ({}): {}", run.id(), run.reason(), painted_state(globals, run.state()));
  if (run.state() == "running" || run.state() == "holding") {
    out += text(" at stage {}", run.stage());
  }
  out += text(", {} {}, started {}\n\n", run.ended_ms() > 0 ? "took" : "for",
              duration_text(std::max<std::int64_t>(end - run.started_ms(), 0)),
              time_text(run.started_ms()));
  google::protobuf::RepeatedPtrField<pb::BootItem> items = run.items();
  if (run.state() == "aborted") {
    for (pb::BootItem& item : items) {
      item.set_state(has_ended(item) ? item.state() : "aborted");
    }
  }
  out += boot_table(globals, items);
  if (run.state() == "holding") {
    out +=
        "\nThe run goes on by itself once the stage is healthy. Otherwise:\n"
        "  mcp boot retry SERVICE/COMPONENT   try it again now\n"
        "  mcp boot skip SERVICE/COMPONENT    go on without it\n"
        "  mcp boot proceed                   open the next stage\n";
  }
  return out;
}

std::string boot_item_line(const Globals& globals, const pb::BootItem& item) {
  std::string out = text("{} {}", key(item), painted_state(globals, item.state()));
  if (item.state() == "healthy") {
    out += text(" after {}", duration_text(item.ms()));
  } else if (const std::string why = answer(item);
             item.state() != "pending" && item.state() != "preparing" && !why.empty()) {
    out += ": " + why;
  }
  return out;
}

int boot_exit_code(const pb::BootRun& run) {
  if (run.state() == "done" || run.id() == 0) {
    return dsl::kExitOk;
  }
  return run.state() == "aborted" ? dsl::kExitFailed : dsl::kExitPartial;
}

std::string plan_table(const Globals& globals, const std::vector<pb::PlanRow>& rows) {
  Table table({{"COMPONENT"}, {"ACTION"}, {"REASON"}, {.title = "CONTAINER", .wide = true}});
  for (const pb::PlanRow& row : rows) {
    const std::string name = row.component().empty()
                                 ? (row.service().empty() ? row.container() : row.service())
                                 : row.service() + "/" + row.component();
    table.add({name, paint(globals, action_paint(row.action()), row.action()), row.reason(),
               row.container()});
  }
  return table.render(globals);
}

bool changes_nothing(const pb::PlanRow& row) {
  return row.action() == "keep" || row.action() == "orphan" || row.action() == "stale" ||
         row.action() == "foreign";
}

}  // namespace mcp::cli
