// What the servers of this bench do: routes over TLS 1.3 until stdin ends.
#pragma once

#include "dsl/http/server.h"

namespace bench {

// Listens on loopback with the pair of files, prints the address, and returns the exit code once
// whoever started it has closed its end. `authorize` as in http::ServerOptions.
int serve(dsl::http::Router router, const char* cert, const char* key,
          decltype(dsl::http::ServerOptions::authorize) authorize = nullptr);

}  // namespace bench
