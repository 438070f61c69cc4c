#include "dsl/replica/state.h"

#include <algorithm>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

namespace dsl::replica {
namespace {

namespace json = boost::json;

constexpr std::string_view kFormat = "metacircular-replica-state-1";
constexpr std::size_t kStateBytesMax = 64u << 10;
constexpr std::size_t kBootBytesMax = 64;
// More than it needs, so that nothing older shows behind.
constexpr std::size_t kNowBytesMin = 2048;
constexpr std::uint32_t kMode = 0600;

json::object to_json(const State& state) {
  json::object object{{"format", kFormat},
                      {"epoch", state.epoch.name()},
                      {"open", state.open},
                      {"generation", state.generation},
                      {"offset", state.point.offset},
                      {"page_bytes", state.point.header.page_bytes},
                      {"big_endian", state.point.header.sums_big_endian},
                      {"salts", state.point.header.salts},
                      {"header_sum", {state.point.header.sum.first, state.point.header.sum.second}},
                      {"sum", {state.point.sum.first, state.point.sum.second}},
                      {"previous", state.previous},
                      {"log_before", state.log_before},
                      {"last_commit_ms", state.last_commit.time_since_epoch().count()},
                      {"opened_ms", state.opened.time_since_epoch().count()},
                      {"base_bytes", state.base_bytes},
                      {"log_bytes", state.log_bytes},
                      {"segments", state.segments},
                      {"recipients", state.recipients},
                      {"database",
                       {{"inode", state.database.inode},
                        {"size_bytes", state.database.size_bytes},
                        {"changed_ns", state.database.changed_ns}}}};
  return object;
}

WalSum sum_of(const json::value& value) {
  return {json::value_to<std::uint32_t>(value.at(0)), json::value_to<std::uint32_t>(value.at(1))};
}

env::WallTime time_of(const json::value& value) {
  return env::WallTime(std::chrono::milliseconds(json::value_to<std::int64_t>(value)));
}

// Throws what Boost throws for members that are missing or of another type.
State from_json(const json::object& object, const Epoch& epoch) {
  State state;
  state.epoch = epoch;
  state.open = json::value_to<bool>(object.at("open"));
  state.generation = json::value_to<std::uint32_t>(object.at("generation"));
  state.point.offset = json::value_to<std::uint64_t>(object.at("offset"));
  state.point.header.page_bytes = json::value_to<std::uint32_t>(object.at("page_bytes"));
  state.point.header.sums_big_endian = json::value_to<bool>(object.at("big_endian"));
  state.point.header.salts = json::value_to<std::uint64_t>(object.at("salts"));
  state.point.header.sum = sum_of(object.at("header_sum"));
  state.point.sum = sum_of(object.at("sum"));
  state.previous = json::value_to<std::string>(object.at("previous"));
  state.log_before = json::value_to<std::uint64_t>(object.at("log_before"));
  state.last_commit = time_of(object.at("last_commit_ms"));
  state.opened = time_of(object.at("opened_ms"));
  state.base_bytes = json::value_to<std::uint64_t>(object.at("base_bytes"));
  state.log_bytes = json::value_to<std::uint64_t>(object.at("log_bytes"));
  state.segments = json::value_to<std::uint64_t>(object.at("segments"));
  state.recipients = json::value_to<std::string>(object.at("recipients"));
  const json::value& database = object.at("database");
  state.database = {.inode = json::value_to<std::uint64_t>(database.at("inode")),
                    .size_bytes = json::value_to<std::uint64_t>(database.at("size_bytes")),
                    .changed_ns = json::value_to<std::int64_t>(database.at("changed_ns"))};
  return state;
}

Result<std::uint64_t> size_or_zero(env::FileSystem& files, const std::string& path) {
  MC_ASSIGN(const bool exists, files.exists(path));
  if (!exists) {
    return 0;
  }
  MC_ASSIGN(const env::FileInfo info, files.stat(path));
  return info.size_bytes;
}

}  // namespace

Result<Fingerprint> fingerprint_of(env::FileSystem& files, const std::string& path) {
  MC_ASSIGN(const env::FileInfo info, files.stat(path));
  return Fingerprint{
      .inode = info.inode, .size_bytes = info.size_bytes, .changed_ns = info.changed_ns};
}

StateFile::StateFile(env::FileSystem& files, std::string path)
    : files_(files),
      path_(std::move(path)),
      boot_(files.read_file("/proc/sys/kernel/random/boot_id", kBootBytesMax).value_or("")) {}

std::string StateFile::to_text(const Kept& kept) {
  json::object object = to_json(kept.state);
  object["serial"] = kept.serial;
  object["boot"] = kept.boot;
  if (kept.newer_before) {
    object["newer_before_ms"] = kept.newer_before->time_since_epoch().count();
  }
  return json::serialize(object) + "\n";
}

std::optional<StateFile::Kept> StateFile::parse(const std::string& content) {
  try {
    const json::object object = json::parse(content).as_object();
    const auto epoch = parse_epoch(json::value_to<std::string>(object.at("epoch")));
    if (json::value_to<std::string>(object.at("format")) != kFormat || !epoch) {
      return std::nullopt;
    }
    Kept kept{.state = from_json(object, *epoch),
              .serial = json::value_to<std::uint64_t>(object.at("serial")),
              .newer_before = std::nullopt,
              .boot = json::value_to<std::string>(object.at("boot"))};
    if (const json::value* time = object.if_contains("newer_before_ms")) {
      kept.newer_before = time_of(*time);
    }
    return kept;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

Result<std::optional<StateFile::Kept>> StateFile::read(const std::string& path) {
  MC_ASSIGN(const bool exists, files_.exists(path));
  if (!exists) {
    return std::nullopt;
  }
  MC_ASSIGN(const std::string content, files_.read_file(path, kStateBytesMax));
  return parse(content);
}

Result<std::optional<State>> StateFile::load() {
  MC_ASSIGN(auto saved, read(path_));
  if (!saved) {
    return std::nullopt;
  }
  newer_before_ = saved->newer_before;
  serial_ = saved->serial;
  MC_ASSIGN(auto noted, read(path_ + ".now"));
  if (noted && !boot_.empty() && noted->boot == boot_ && noted->serial > saved->serial) {
    serial_ = noted->serial;
    return std::move(noted->state);
  }
  if (newer_before_) {
    behind_ = true;
    saved->state.last_commit = std::max(saved->state.last_commit, *newer_before_);
  }
  return std::move(saved->state);
}

Result<void> StateFile::save(const State& state, std::optional<env::WallTime> newer_before) {
  const Kept kept{
      .state = state, .serial = serial_ + 1, .newer_before = newer_before, .boot = boot_};
  MC_TRY(files_.write_file(path_, to_text(kept), kMode));
  serial_ = kept.serial;
  newer_before_ = newer_before;
  behind_ = false;
  return {};
}

bool StateFile::may_follow(env::WallTime time) const {
  return newer_before_ && time < *newer_before_;
}

Result<void> StateFile::note(const State& state) {
  const Kept kept{.state = state, .serial = serial_ + 1, .newer_before = {}, .boot = boot_};
  if (now_ == nullptr) {
    MC_ASSIGN(now_, files_.open(path_ + ".now", env::OpenMode::kTruncate, kMode));
  }
  // In place: a rename would have the file system allocate and free blocks each time. The one way
  // to find half of it is a power cut, and then it does not count.
  std::string content = to_text(kept);
  content.resize(std::max(content.size(), kNowBytesMin), ' ');
  MC_TRY(now_->write_at(0, std::as_bytes(std::span(content))));
  serial_ = kept.serial;
  return {};
}

Result<std::optional<std::string>> doubt_about(env::FileSystem& files, const std::string& database,
                                               const State& state) {
  MC_ASSIGN(const Fingerprint now, fingerprint_of(files, database));
  if (now != state.database) {
    return "the database file was changed or replaced";
  }
  MC_ASSIGN(const std::uint64_t log_bytes, size_or_zero(files, database + "-wal"));
  if (log_bytes < state.point.offset) {
    return "the log was emptied";
  }
  if (state.point.offset == 0) {
    return std::nullopt;  // all that is in the log came after the checkpoint, and is still to seal
  }
  MC_ASSIGN(const auto log, files.open(database + "-wal", env::OpenMode::kRead));
  const auto walked = walk(*log, {}, state.point.offset,
                           [](std::span<const std::byte>) -> Result<void> { return {}; });
  if (!walked && walked.error().code() == Code::kDataLoss) {
    return walked.error().message();
  }
  MC_TRY(walked);
  if (walked->end != state.point) {
    return "the log was started over";
  }
  return std::nullopt;
}

}  // namespace dsl::replica
