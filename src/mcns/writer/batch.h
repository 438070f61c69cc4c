// Operations on a draft.
#pragma once

#include "mcns/writer/work.h"

namespace mcns::writer {

// What needs no rows: values, TTLs, names. To be called before the write is queued.
dsl::Result<void> check_batch(const Batch& batch);

// Changes the drafts of `work` as the operations say; rules are checked later.
dsl::Result<void> plan_batch(Work& work, const Batch& batch);

// The stored form of what was added and set, once it is saved.
std::vector<store::RecordRow> stored_records(Work& work, const Batch& batch);

}  // namespace mcns::writer
