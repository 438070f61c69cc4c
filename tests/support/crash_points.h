// Runs a piece of work with a power cut before each of its changes, and every kind of cut.
#pragma once

#include <functional>

#include <gtest/gtest.h>

#include "support/memory_file_system.h"

namespace dsl::test {

struct CrashCase {
  std::function<void(MemoryFileSystem&)> prepare;  // durable before the work begins
  std::function<void(MemoryFileSystem&)> work;     // may fail at any step
  // `finished`: the work ended before the cut. Files are as they are after the restart.
  std::function<void(MemoryFileSystem&, bool finished)> check;
};

// Returns how many power cuts there were.
inline int at_every_crash_point(const CrashCase& test_case) {
  int cuts = 0;
  for (const auto data : {Crash::Data::kLost, Crash::Data::kTorn, Crash::Data::kKept}) {
    for (const bool names_kept : {false, true}) {
      bool finished = false;
      for (std::uint64_t changes = 0; !finished; ++changes, ++cuts) {
        SCOPED_TRACE(::testing::Message()
                     << "power cut after " << changes << " changes, un-synced data mode "
                     << static_cast<int>(data) << ", names kept " << names_kept);
        MemoryFileSystem files;
        test_case.prepare(files);
        files.crash_after(changes);
        test_case.work(files);
        finished = !files.crashed();
        files.restart({data, names_kept});
        test_case.check(files, finished);
      }
    }
  }
  return cuts;
}

}  // namespace dsl::test
