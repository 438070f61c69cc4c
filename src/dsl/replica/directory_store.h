// Objects as files of a directory: a mirror on another disk, and the outbox beside a database.
#pragma once

#include <memory>
#include <string>

#include "dsl/env/env.h"
#include "dsl/replica/store.h"

namespace dsl::replica {

// When an upload that was committed outlives a power cut; it outlives the process in either case.
enum class Durability {
  kAtOnce,
  kLater,  // once `sync_objects` names it; before, a power cut may take it, whole or in part
};

// `env` outlives the store and what it hands out. Nothing is made on disk before the first object.
std::unique_ptr<Store> directory_store(env::Env& env, std::string directory,
                                       Durability durability = Durability::kAtOnce);

// Puts objects of a store in `directory` on stable storage; those that are gone are passed over.
Result<void> sync_objects(env::FileSystem& files, const std::string& directory,
                          const std::vector<std::string>& names);

}  // namespace dsl::replica
