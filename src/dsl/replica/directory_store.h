// Objects as files of a directory: a mirror on another disk, and the outbox beside a database.
#pragma once

#include <memory>
#include <string>

#include "dsl/env/env.h"
#include "dsl/replica/store.h"

namespace dsl::replica {

// `env` outlives the store and what it hands out. Nothing is made on disk before the first object.
std::unique_ptr<Store> directory_store(env::Env& env, std::string directory);

}  // namespace dsl::replica
