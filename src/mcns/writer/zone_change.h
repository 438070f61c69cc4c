// Changes of a zone as such.
#pragma once

#include "mcns/writer/work.h"

namespace mcns::writer {

// It gets the fields that the update gives.
dsl::Result<void> plan_update(Work& work, const ZoneUpdate& update);
dsl::Result<void> plan_delete(Work& work, const Name& origin,
                              std::optional<std::uint32_t> if_serial);

}  // namespace mcns::writer
