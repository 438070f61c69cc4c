// Messages with random content, of any type.
#pragma once

#include <cstdint>

#include <google/protobuf/message.h>

namespace dsl::test {

// Sets each field or not, by a seed that gives the same content again. Strings are UTF-8, the
// well-known types have values within their rules, and so every message has a JSON form. Enums may
// have numbers without a name; floating-point numbers may be NaN.
void fill_randomly(google::protobuf::Message& message, std::uint64_t seed);

}  // namespace dsl::test
