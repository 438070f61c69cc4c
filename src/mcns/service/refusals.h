// What callers of the API hear while names are answered and nothing can be changed. Private to
// mcns::service.
#pragma once

#include "dsl/result/result.h"

namespace mcns {

// Of a process that is being succeeded.
dsl::Error taking_over();
// Of one without a database.
dsl::Error unchangeable(const dsl::Error& damage);

}  // namespace mcns
