// The writer of a service whose database is damaged.
#pragma once

#include <memory>

#include "mcns/writer/writer.h"

namespace mcns {

// Refuses every write with `why`. Thread-safe.
std::unique_ptr<Writer> unchangeable_writer(const dsl::Error& why);

}  // namespace mcns
