// The way back: a message as the HTTP request that means it.
#pragma once

#include <google/protobuf/message.h>

#include "dsl/http/client.h"
#include "dsl/transcode/binding.h"

namespace dsl::test {

// Takes out of a random request what this form of its method cannot say: in a path what is empty or
// has control characters, and in a query whatever is no single value.
void fit_to_binding(const transcode::Binding& binding, google::protobuf::Message& request);

http::Request rest_request(const transcode::Binding& binding,
                           const google::protobuf::Message& request);

}  // namespace dsl::test
