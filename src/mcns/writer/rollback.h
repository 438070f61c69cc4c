// Back to an earlier state of a zone.
#pragma once

#include "mcns/writer/work.h"

namespace mcns::writer {

// Undoes in the draft what the journal says was done after `serial`. kNotFound when it does not
// reach back that far.
dsl::Result<void> plan_rollback(Work& work, const Name& zone, std::uint32_t serial);

}  // namespace mcns::writer
