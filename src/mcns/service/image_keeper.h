// The image of the zones beside the database: read at a start in place of a million rows, written
// when nothing has changed for a while, and at the end.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "mcns/zone/image.h"
#include "mcns/zone/store.h"

namespace mcns {

// The image has the name of the state that the database's files are in: whoever changes them, also
// with a shell while nothing runs, leaves an image that is nobody's. Confined to its owner's
// thread, apart from one of its own.
class ImageKeeper {
 public:
  struct Options {
    std::string database_path;
    std::string folder;
    // Without a change, until the image is written; the first is not waited for, so that a crash
    // soon after an upgrade finds one that the new build reads.
    std::chrono::milliseconds quiet{30000};
    // Of the image, when changes do not end; and the wait after one that could not be written.
    std::chrono::milliseconds age{600000};
    // Between two looks, and before the first: a start answers before it does anything else.
    std::chrono::milliseconds look{5000};
  };
  // All outlive it.
  ImageKeeper(dsl::env::Env& env, zone::Store& store, Options options);
  ~ImageKeeper() { stop(); }
  ImageKeeper(const ImageKeeper&) = delete;
  ImageKeeper& operator=(const ImageKeeper&) = delete;

  // Fills the store, if it is empty, and says with what; nothing when there is no image of the
  // database as it is. Before anything opens that.
  std::vector<zone::ImageZone> load();
  // Fills the store, if it is empty, with the image that was written last, whatever became of the
  // database. Says of when the content of the store is. kNotFound when there is no image, else why
  // the newest cannot be taken: it is of another build, say. While there is no thread.
  dsl::Result<dsl::env::WallTime> load_last();
  // Some image, of whatever state, has zones.
  bool has_zones() const;
  // Another number once somebody else than this process has changed the database.
  using DataVersion = std::function<dsl::Result<std::int64_t>()>;
  // The store has what the database has, from now on. `data_version` is asked on the thread of the
  // keeper, and by `stop`.
  void start(DataVersion data_version);
  // Ends the thread, with a last look at who changed the database: before that is closed.
  void stop();
  // Leaves an image for the next start when it was started. After `stop`, and after the database
  // was closed.
  void finish();

 private:
  using State = std::optional<std::string>;  // nothing while the database is not there

  State state() const;
  std::vector<std::string> images() const;  // those written last come first
  std::string path(const std::string& state) const;
  dsl::Result<std::vector<zone::ImageZone>> read(const std::string& state);
  void run();
  void look();
  void look_for_others();
  void keep(std::uint64_t number, const std::string& state);
  dsl::Result<void> write(const zone::Version& version, const std::string& state);
  dsl::Result<void> move(const std::string& state);
  void remove_others() const;

  dsl::env::Env& env_;
  zone::Store& store_;
  const Options options_;
  std::uint64_t seen_ = 0;  // newest version at the last look
  dsl::env::MonoTime seen_at_;
  dsl::env::MonoTime kept_at_;
  dsl::env::MonoTime not_before_;  // of the next try
  bool had_zones_ = false;         // since the start
  bool was_started_ = false;
  DataVersion data_version_;
  std::optional<std::int64_t> first_version_;
  bool is_foreign_ = false;  // somebody else has changed the database: there is to be no image
  std::uint64_t kept_ = 0;   // the version in the image; 0 = none
  std::string kept_state_;   // in the image's name

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace mcns
