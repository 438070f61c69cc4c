// Back to an earlier state of a zone.
#pragma once

#include "mcns/writer/work.h"

namespace mcns::writer {

// Undoes in the draft what the journal says was done after `serial`. kNotFound when it does not
// reach back that far, kFailedPrecondition when the zone is beyond `if_serial`.
dsl::Result<void> plan_rollback(Work& work, const Name& zone, std::uint32_t serial,
                                std::optional<std::uint32_t> if_serial);

}  // namespace mcns::writer
