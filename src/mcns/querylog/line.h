// An answer as a line of the query log.
#pragma once

#include <cstdint>
#include <string>

#include "mcns/events/event.h"

namespace mcns::querylog {

// Appends
//   {"time":"2026-04-03T08:45:00.000Z","client":"192.0.2.7","transport":"udp",
//    "name":"www.example.test.","type":"A","rcode":"NOERROR","path":"zone","took_us":4,"bytes":62}
// and a line feed, all on one line. Name and type are missing when the question could not be read.
void append_line(const Event& event, std::int64_t at_ns, std::string& out);

}  // namespace mcns::querylog
