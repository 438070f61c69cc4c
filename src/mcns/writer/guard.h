// Against emptying a zone by accident.
#pragma once

#include "mcns/writer/work.h"

namespace mcns::writer {

// kFailedPrecondition with the counts when the zone that was asked for would lose too many names.
dsl::Result<void> check_guard(Work& work, const GuardOptions& options);

}  // namespace mcns::writer
