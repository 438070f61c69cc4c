// Two stores read as one.
#pragma once

#include <memory>

#include "dsl/replica/store.h"

namespace dsl::replica {

// What both have is read from `below`. It cannot be written.
std::unique_ptr<Store> overlay(std::unique_ptr<Store> above, std::unique_ptr<Store> below);

}  // namespace dsl::replica
