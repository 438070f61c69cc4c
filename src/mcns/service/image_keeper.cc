#include "mcns/service/image_keeper.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <pthread.h>

#include "dsl/hash/sha256.h"
#include "dsl/log/log.h"
#include "dsl/result/text.h"
#include "dsl/service/version.h"

namespace mcns {
namespace {

using dsl::Result;

const dsl::log::Logger logger("mcns.image");

using Names = std::vector<std::string>;

constexpr std::size_t kNameSize = 32;  // digits of a hash, enough that no two states share them
constexpr const char* kUnfinished = "unfinished";

bool is_ours(const std::string& name) {
  return name == kUnfinished || (name.size() == kNameSize &&
                                 name.find_first_not_of("0123456789abcdef") == std::string::npos);
}

// No program can set back the time at which a file was changed.
std::string state_of(const Result<dsl::env::FileInfo>& file) {
  return file ? dsl::text("{} {} {}\n", file->inode, file->size_bytes, file->changed_ns) : "none\n";
}

template <class Value>
Result<void> without_value(Result<Value> result) {
  return result ? Result<void>() : tl::unexpected(std::move(result).error());
}

}  // namespace

ImageKeeper::ImageKeeper(dsl::env::Env& env, zone::Store& store, Options options)
    : env_(env), store_(store), options_(std::move(options)) {}

std::vector<zone::ImageZone> ImageKeeper::load() {
  const State state = this->state();
  if (!state || !store_.is_empty()) {
    return {};
  }
  auto zones = read(*state);
  if (!zones) {
    if (zones.error().code() != dsl::Code::kNotFound) {
      logger.failure(dsl::log::Level::kInfo, "the zones are read from the database", zones.error());
    }
    return {};
  }
  kept_ = store_.newest();
  kept_state_ = *state;
  logger.info("has read the zones", {{"zones", zones->size()}});
  return *std::move(zones);
}

Names ImageKeeper::images() const {
  std::vector<std::pair<dsl::env::WallTime, std::string>> found;
  for (const std::string& name : env_.files().list(options_.folder).value_or(Names())) {
    const auto info = env_.files().stat(path(name));
    if (info && is_ours(name) && name != kUnfinished) {
      found.emplace_back(info->modified, name);
    }
  }
  std::sort(found.rbegin(), found.rend());
  Names out;
  for (auto& [written, name] : found) {
    out.push_back(std::move(name));
  }
  return out;
}

bool ImageKeeper::has_zones() const {
  const Names names = images();
  return std::any_of(names.begin(), names.end(), [this](const std::string& name) {
    const auto info = env_.files().stat(path(name));
    return info && info->size_bytes > zone::empty_image_size();
  });
}

Result<dsl::env::WallTime> ImageKeeper::load_last() {
  if (!store_.is_empty() && kept_ == 0) {
    return env_.clock().now();  // it is from the rows
  }
  std::optional<dsl::Error> newest_is_wrong;
  for (const std::string& name : images()) {
    if (!store_.is_empty() && name != kept_state_) {
      continue;
    }
    const Result<void> is_there = store_.is_empty() ? without_value(read(name)) : Result<void>();
    if (const auto info = env_.files().stat(path(name)); is_there && info) {
      return info->modified;
    }
    if (!is_there && !newest_is_wrong) {
      newest_is_wrong = is_there.error();
    }
  }
  if (newest_is_wrong) {
    return tl::unexpected(*std::move(newest_is_wrong));
  }
  return dsl::fail(dsl::Code::kNotFound, "there is no image of the zones in {}", options_.folder);
}

Result<std::vector<zone::ImageZone>> ImageKeeper::read(const std::string& state) {
  MC_ASSIGN(const auto file, env_.files().open(path(state), dsl::env::OpenMode::kRead));
  return zone::read_image(*file, dsl::build_info().version, store_);
}

void ImageKeeper::start(DataVersion data_version) {
  data_version_ = std::move(data_version);
  was_started_ = true;
  thread_ = std::thread([this] { run(); });
}

void ImageKeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
    look_for_others();
  }
}

void ImageKeeper::finish() {
  if (!was_started_ || is_foreign_) {
    return;
  }
  if (const State state = this->state()) {
    keep(store_.newest(), *state);
  }
}

// What they have changed is in no version of ours, and no serial tells: the next start is to read
// the rows.
void ImageKeeper::look_for_others() {
  const auto version = data_version_();
  if (is_foreign_ || !version) {
    return;
  }
  if (!first_version_) {
    first_version_ = *version;
  }
  if (*version == *first_version_) {
    return;
  }
  is_foreign_ = true;
  kept_ = 0;
  kept_state_.clear();
  remove_others();
  logger.warn(
      "another process has changed the database: what it changed is served after a restart");
}

ImageKeeper::State ImageKeeper::state() const {
  const auto database = env_.files().stat(options_.database_path);
  if (!database) {
    return std::nullopt;
  }
  const auto log = env_.files().stat(options_.database_path + "-wal");
  return dsl::sha256_hex(state_of(database) + state_of(log)).substr(0, kNameSize);
}

std::string ImageKeeper::path(const std::string& state) const {
  return options_.folder + "/" + state;
}

void ImageKeeper::run() {
  pthread_setname_np(pthread_self(), "zone-image");
  look_for_others();
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, options_.look, [this] { return stopping_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

void ImageKeeper::look() {
  look_for_others();
  const dsl::env::MonoTime now = env_.clock().mono_now();
  if (is_foreign_ || now < not_before_) {
    return;
  }
  const std::uint64_t newest = store_.newest();
  if (newest != seen_) {
    seen_ = newest;
    seen_at_ = now;
  }
  const bool is_due = kept_ == newest || kept_ == 0 || now - seen_at_ >= options_.quiet ||
                      now - kept_at_ >= options_.age;
  if (const State state = is_due ? this->state() : State()) {
    keep(newest, *state);
  }
}

// A commit is in the files a little before its version is published. An image that was named in
// between has other serials than the database, and is not taken.
void ImageKeeper::keep(std::uint64_t number, const std::string& state) {
  if (kept_ == number && kept_state_ == state) {
    return;
  }
  Result<void> kept;
  if (kept_ == number) {
    kept = move(state);
  } else {
    zone::Reader reader(store_);
    const zone::Pin version(reader);
    had_zones_ = had_zones_ || !version->zones().empty();
    if (!had_zones_) {
      return;  // a database that was lost looks like a new one: its image stays
    }
    number = version->number();
    kept = write(*version, state);
  }
  if (!kept) {
    kept_ = 0;
    not_before_ = env_.clock().mono_now() + options_.age;
    (void)env_.files().remove(path(kUnfinished));  // it may not be there
    logger.failure(dsl::log::Level::kWarn, "the image of the zones was not kept", kept.error());
    return;
  }
  kept_ = number;
  kept_at_ = env_.clock().mono_now();
  kept_state_ = state;
  remove_others();
}

Result<void> ImageKeeper::write(const zone::Version& version, const std::string& state) {
  MC_TRY(env_.files().make_directories(options_.folder, 0700));
  const std::string unfinished = path(kUnfinished);
  MC_ASSIGN(const auto file, env_.files().open(unfinished, dsl::env::OpenMode::kTruncate));
  MC_TRY(zone::write_image(version, dsl::build_info().version, *file));
  MC_TRY(env_.files().rename(unfinished, path(state)));
  return env_.files().sync_directory(options_.folder);
}

// The database's files were changed, and what the zones have was not.
Result<void> ImageKeeper::move(const std::string& state) {
  MC_TRY(env_.files().rename(path(kept_state_), path(state)));
  return env_.files().sync_directory(options_.folder);
}

void ImageKeeper::remove_others() const {
  const auto names = env_.files().list(options_.folder);
  if (!names) {
    return;
  }
  for (const std::string& name : *names) {
    if (is_ours(name) && name != kept_state_) {
      (void)env_.files().remove(path(name));  // the next time will do
    }
  }
}

}  // namespace mcns
