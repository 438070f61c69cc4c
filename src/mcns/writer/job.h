// A write that waits for its turn.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <vector>

#include "mcns/writer/work.h"

namespace mcns::writer {

// Made by the caller, who waits for `done`; between the two it belongs to the thread that writes.
struct Job {
  const Author* author = nullptr;
  // Changes the drafts. May be called again when another job of its group took the group back.
  std::function<dsl::Result<void>(Work&)> plan;
  bool alone = false;  // in a group of its own: its plan works only once
  // What the caller learns besides, once the drafts are saved.
  std::function<void(Work&, Outcome&)> report = [](Work&, Outcome&) {};
  bool dry_run = false;
  bool strict = false;
  bool guarded = false;

  dsl::Result<Outcome> result = Outcome();
  std::vector<std::unique_ptr<Draft>> drafts;  // what was saved
  std::promise<void> done;
};

}  // namespace mcns::writer
