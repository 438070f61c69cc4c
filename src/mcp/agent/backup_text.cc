#include "mcp/agent/backup_text.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include <boost/json.hpp>

#include "mcp/agent/backup_units.h"

namespace mcp::agent {

namespace json = boost::json;
namespace cli = dsl::cli;
using dsl::text;

namespace {

constexpr std::size_t kPieceBytes = 1u << 20;

std::string moment(std::int64_t ms) {
  return ms == 0 ? "never"
                 : dsl::env::format_time(dsl::env::WallTime(std::chrono::milliseconds(ms)))
                           .substr(0, 19) +
                       "Z";
}

std::string age_text(dsl::env::WallTime now, std::int64_t ms) {
  const std::int64_t minutes = (now.time_since_epoch().count() - ms) / 60000;
  return minutes < 0         ? "in the future"
         : minutes < 120     ? text("{} min", minutes)
         : minutes < 48 * 60 ? text("{} h", minutes / 60)
                             : text("{} d", minutes / 60 / 24);
}

std::string joined(const std::vector<std::string>& words, const char* between = " ") {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : between) + word;
  }
  return out;
}

bool is_json(const cli::Globals& globals) { return globals.output == cli::Output::kJson; }

std::string state_of(const recovery::Backup::Verified& row) {
  if (!row.error) {
    return "in order";
  }
  return row.error->id() == recovery::kNotSigned     ? "NOT SIGNED"
         : row.error->code() == dsl::Code::kWrongKey ? "no key opens it"
         : row.error->code() == dsl::Code::kDataLoss ? "DAMAGED"
                                                     : "not read";
}

std::string line_of(const json::value& value) { return json::serialize(value) + "\n"; }

}  // namespace

ListedPoint listed(const recovery::PointRow& point, const std::vector<recovery::CopyRow>& copies) {
  ListedPoint row{.id = point.id,
                  .begun_ms = point.begun_ms,
                  .bytes = point.bytes,
                  .kind = point.kind,
                  .state = std::string(name(point.extent)),
                  .units = point.units};
  for (const recovery::CopyRow& copy : copies) {
    if (copy.point == point.id) {
      row.targets.push_back(copy.error.empty() ? copy.target : copy.target + " (failed)");
      row.verified_ms = std::max(row.verified_ms, copy.verified_ms);
    }
  }
  return row;
}

ListedPoint listed(const recovery::FoundPoint& point, const std::string& target) {
  const auto name = recovery::parse_point_id(point.id);
  return {.id = point.id,
          .begun_ms = name->time.time_since_epoch().count(),
          .bytes = point.bytes,
          .state = !point.has_signature ? "unsigned"
                   : point.has_manifest ? "there"
                                        : "incomplete",
          .targets = {target}};
}

std::string units_table(const cli::Globals& globals, const recovery::CreateRequest& request) {
  json::array rows;
  cli::Table table({{"UNIT"}, {"VERSION"}, {"DIRECTORY"}});
  for (const recovery::Unit& unit : request.units) {
    rows.push_back({{"unit", unit.name}, {"version", unit.version}, {"root", unit.root}});
    table.add({unit.name, unit.version, unit.root});
  }
  for (const auto& image : request.images) {
    rows.push_back(json::object{{"image", image.reference}});
    table.add({"image", "", image.reference});
  }
  return is_json(globals) ? line_of(rows) : table.render(globals);
}

std::string created_text(const recovery::Created& created) {
  const recovery::PointRow& point = created.point;
  return text("{}: {} files of {} units, {} in {}, {}\n", point.id, point.files, point.units.size(),
              cli::size_text(point.content_bytes), cli::size_text(point.bytes), name(point.extent));
}

json::object to_json(const recovery::Created& created) {
  return {{"id", created.point.id},
          {"sequence", created.point.sequence},
          {"bytes", created.point.bytes},
          {"content_bytes", created.point.content_bytes},
          {"files", created.point.files},
          {"units", json::value_from(created.point.units)},
          {"extent", name(created.point.extent)},
          {"stored", created.stored},
          {"problems", json::value_from(created.problems)}};
}

std::string points_text(const cli::Globals& globals, dsl::env::WallTime now,
                        const std::vector<ListedPoint>& points) {
  json::array rows;
  cli::Table table({{"POINT"},
                    {"AGE", true},
                    {"SIZE", true},
                    {"STATE"},
                    {"VERIFIED"},
                    {"KIND", false, true},
                    {"UNITS", false, true},
                    {"TARGETS", false, true}});
  for (const ListedPoint& point : points) {
    rows.push_back({{"id", point.id},
                    {"begun_ms", point.begun_ms},
                    {"bytes", point.bytes},
                    {"kind", point.kind},
                    {"state", point.state},
                    {"units", json::value_from(point.units)},
                    {"targets", json::value_from(point.targets)},
                    {"verified_ms", point.verified_ms}});
    table.add({point.id, age_text(now, point.begun_ms), cli::size_text(point.bytes), point.state,
               point.verified_ms == 0 ? "never" : age_text(now, point.verified_ms) + " ago",
               point.kind, joined(point.units), joined(point.targets)});
  }
  if (is_json(globals)) {
    return line_of(rows);
  }
  return points.empty() ? "no backups: mcp-agent backup create makes one\n" : table.render(globals);
}

std::string manifest_text(const cli::Globals& globals, const recovery::Manifest& manifest) {
  if (is_json(globals)) {
    return recovery::to_json(manifest).value_or("{}\n");
  }
  std::string out =
      text("point     {}\nof        {} by {}, {} to {}\nprevious  {}\n\n", manifest.id,
           manifest.node, manifest.tool, moment(manifest.begun_ms), moment(manifest.ended_ms),
           manifest.previous.id.empty() ? "none" : manifest.previous.id);
  cli::Table units({{"UNIT"}, {"VERSION"}, {"FILES", true}, {"SIZE", true}, {"DIRECTORY"}});
  std::map<std::string, std::pair<std::int64_t, std::uint64_t>> sizes;
  cli::Table files({{"FILE"}, {"SIZE", true}, {"MODIFIED"}, {"ROWS", true}});
  for (const recovery::FileRecord& file : manifest.files) {
    auto& [count, bytes] = sizes[file.entry.path.substr(0, file.entry.path.find('/'))];
    ++count;
    bytes += file.entry.size_bytes;
    std::int64_t rows = 0;
    for (const auto& [name, number] :
         file.database ? file.database->rows : std::map<std::string, std::int64_t>()) {
      rows += number;
    }
    if (file.entry.kind == dsl::archive::TarKind::kFile) {
      files.add({file.entry.path, cli::size_text(file.entry.size_bytes),
                 moment(file.entry.mtime_ns / 1'000'000), file.database ? text("{}", rows) : ""});
    }
  }
  for (const recovery::UnitRecord& unit : manifest.units) {
    units.add({unit.name, unit.version, text("{}", sizes[unit.name].first),
               cli::size_text(sizes[unit.name].second), unit.root});
  }
  out += units.render(globals) + "\n" + files.render(globals);
  for (const recovery::UnitRecord& unit : manifest.units) {
    for (const std::string& problem : unit.problems) {
      out += text("problem   {}: {}\n", unit.name, problem);
    }
  }
  for (const recovery::ImageRecord& image : manifest.images) {
    out += text("image     {}{}\n", image.reference, image.file.empty() ? " (not stored)" : "");
  }
  return out;
}

std::string verified_text(const cli::Globals& globals,
                          const std::vector<recovery::Backup::Verified>& rows,
                          const std::vector<std::string>& chain_faults) {
  json::array out;
  cli::Table table({{"POINT"}, {"STATE"}, {"TARGET"}});
  std::string errors;
  for (const recovery::Backup::Verified& row : rows) {
    out.push_back({{"point", row.point},
                   {"target", row.target},
                   {"state", state_of(row)},
                   {"error", row.error ? row.error->message() : ""}});
    table.add({row.point,
               cli::paint(globals, row.error ? cli::Paint::kBad : cli::Paint::kGood, state_of(row)),
               row.target});
    if (row.error) {
      errors += text("{}: {}\n", row.point, row.error->render());
    }
  }
  for (const std::string& fault : chain_faults) {
    errors += text("chain: {}\n", fault);
  }
  if (is_json(globals)) {
    return line_of(json::object{{"points", out}, {"chain", json::value_from(chain_faults)}});
  }
  return table.render(globals) + errors;
}

std::string pruned_text(const cli::Globals& globals,
                        const std::vector<recovery::Backup::Pruned>& pruned) {
  json::array rows;
  std::string page;
  for (const recovery::Backup::Pruned& each : pruned) {
    rows.push_back({{"point", each.point}, {"target", each.target}, {"error", each.error}});
    page += text("{} {} from {}{}\n", globals.dry_run ? "would remove" : "removed", each.point,
                 each.target, each.error.empty() ? "" : ": FAILED: " + each.error);
  }
  if (is_json(globals)) {
    return line_of(rows);
  }
  return page.empty() ? "nothing to prune\n" : page;
}

std::string plan_text(const cli::Globals& globals, dsl::env::WallTime now,
                      const recovery::RestorePlan& plan) {
  json::array rows;
  cli::Table table({{"UNIT"}, {"TO"}, {"FILES", true}, {"SIZE", true}, {"THERE NOW"}});
  for (const recovery::RestoreStep& step : plan.steps) {
    const std::string live = step.set_aside.empty()
                                 ? "nothing"
                                 : text("of {}, goes to .trash", moment(step.live_newest_ms));
    rows.push_back({{"unit", step.unit},
                    {"root", step.root},
                    {"files", step.files},
                    {"bytes", step.bytes},
                    {"set_aside", step.set_aside},
                    {"live_newest_ms", step.live_newest_ms}});
    table.add({step.unit, step.root, text("{}", step.files), cli::size_text(step.bytes), live});
  }
  if (is_json(globals)) {
    return line_of(json::object{{"point", plan.manifest.id}, {"steps", rows}});
  }
  return text("point {}, {} old; what was changed since is lost\n", plan.manifest.id,
              age_text(now, plan.manifest.begun_ms)) +
         table.render(globals);
}

std::string restored_text(const recovery::RestorePlan& plan, bool in_place) {
  std::string out =
      text("restored {} units from {}, every byte checked\n", plan.steps.size(), plan.manifest.id);
  const bool has_agent =
      std::any_of(plan.steps.begin(), plan.steps.end(),
                  [](const recovery::RestoreStep& step) { return step.unit == kAgentUnit; });
  if (in_place) {
    out += has_agent ? "next: systemctl start mcp-agent, then mcp agent recover; "
                       "mcp-agent backup undo takes it back\n"
                     : "mcp-agent backup undo takes it back\n";
  }
  return out;
}

std::string state_text(const BackupState& state) {
  std::string out = text("points  {}\nlast    {}\n", state.points,
                         state.last_point.empty() ? "none" : state.last_point);
  if (!state.alert.empty()) {
    out += text("ALERT   {}\n", state.alert);
  }
  return out;
}

std::string schedule_text(const BackupState& state, std::int64_t every_ms, bool is_due) {
  if (every_ms == 0) {
    return "there is no schedule: backup.due_after is 0\n";
  }
  return text("every {} h at the latest\nlast    {}\nnext    {}\n", every_ms / 3'600'000,
              state.last_ms == 0 ? "none" : moment(state.last_ms),
              is_due ? "now: it is due" : "by " + moment(state.last_ms + every_ms));
}

json::object to_json(const BackupState& state) {
  return {{"configured", state.configured}, {"points", state.points},
          {"last_point", state.last_point}, {"last_ms", state.last_ms},
          {"last_error", state.last_error}, {"alert", state.alert}};
}

std::string images_directory(const Config* config, const recovery::Manifest& manifest) {
  if (config != nullptr && !config->image_dirs.empty()) {
    return config->image_dirs.front();
  }
  const recovery::UnitRecord* agent = manifest.unit(kAgentUnit);
  return agent == nullptr ? "" : agent->root + "/images";
}

Result<void> print_file(dsl::env::Env& env, const std::string& path) {
  MC_ASSIGN(const auto file, env.files().open(path, dsl::env::OpenMode::kRead));
  std::vector<std::byte> piece(kPieceBytes);
  for (std::uint64_t at = 0;;) {
    MC_ASSIGN(const std::size_t count, file->read_at(at, piece));
    if (count == 0) {
      return {};
    }
    if (std::fwrite(piece.data(), 1, count, stdout) != count) {
      return dsl::fail(dsl::Code::kUnavailable, "standard output takes no more");
    }
    at += count;
  }
}

}  // namespace mcp::agent
