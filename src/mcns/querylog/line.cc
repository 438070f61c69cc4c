#include "mcns/querylog/line.h"

#include <chrono>

#include "dsl/env/clock.h"
#include "dsl/json/text.h"
#include "dsl/result/text.h"
#include "mcns/wire/query.h"

namespace mcns::querylog {
namespace {

void append_field(std::string_view name, std::string_view value, std::string& out) {
  out += ',';
  dsl::json::append_string(name, out);
  out += ':';
  dsl::json::append_string(value, out);
}

}  // namespace

void append_line(const Event& event, std::int64_t at_ns, std::string& out) {
  const EventHead& head = event.head;
  const dsl::env::WallTime at(
      std::chrono::floor<std::chrono::milliseconds>(std::chrono::nanoseconds(at_ns)));
  out += "{\"time\":";
  dsl::json::append_string(dsl::env::format_time(at), out);
  append_field("client", head.peer.text(), out);
  append_field("transport", head.stream ? "tcp" : "udp", out);
  if (Query query; read_question(event.query, query)) {
    append_field("name", Name::from_wire(query.name.wire).value_or(Name()).text(), out);
    append_field("type", text(query.type), out);
  }
  append_field("rcode", text(head.rcode), out);
  append_field("path", text(head.path), out);
  if (head.limited != Limited::kNone) {
    append_field("limited", text(head.limited), out);
  }
  out += dsl::text(",\"took_us\":{},\"bytes\":{}", head.took_ns / 1000, head.response_bytes);
  out += "}\n";
}

}  // namespace mcns::querylog
