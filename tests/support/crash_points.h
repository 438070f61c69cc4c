// Runs a piece of work with a power cut, or with an error, at each of its changes.
#pragma once

#include <functional>

#include <gtest/gtest.h>

#include "support/memory_file_system.h"

namespace dsl::test {

struct CrashCase {
  std::function<void(MemoryFileSystem&)> prepare;  // durable before the work begins
  std::function<void(MemoryFileSystem&)> work;     // may fail at any step
  // `finished`: the work ended before the cut, or without the error. Files are as they are after
  // the restart.
  std::function<void(MemoryFileSystem&, bool finished)> check;
};

// A cut before each change, and every kind of cut. Returns how many there were.
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

// The error `number` at each change in turn, then a power cut that loses all that was not synced.
// Returns how many runs there were.
inline int at_every_fault(int number, const CrashCase& test_case) {
  int runs = 0;
  bool finished = false;
  for (std::uint64_t changes = 0; !finished; ++changes, ++runs) {
    SCOPED_TRACE(::testing::Message() << "error " << number << " after " << changes << " changes");
    MemoryFileSystem files;
    test_case.prepare(files);
    files.fail_after(changes, number);
    test_case.work(files);
    finished = files.faults_left() > 0;
    files.restart();
    test_case.check(files, finished);
  }
  return runs;
}

}  // namespace dsl::test
