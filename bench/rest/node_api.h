// The service whose answer this bench asks for.
#pragma once

#include <memory>

#include "dsl/rpc/api.h"

namespace bench {

// Its one method, for any user.
dsl::Result<std::shared_ptr<dsl::rpc::Api>> node_api();

}  // namespace bench
