// A stranger's path, query and body, one a line: they are refused with the field's name, or become
// a message whose JSON gives the same message again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "dsl/transcode/json_message.h"
#include "dsl/transcode/request.h"
#include "dsl/transcode/shop.pb.h"

namespace {

using dsl::transcode::Binding;
using dsl::transcode::test::Everything;

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

void check_round_trip(const Everything& message) {
  std::string json;
  if (!dsl::transcode::append_message(message, json)) {
    return;  // a time beyond the mapping, which a number in an Any may be
  }
  Everything again;
  const auto tree = dsl::transcode::parse_json(json);
  if (!tree || !dsl::transcode::read_message(*tree, again)) {
    std::abort();
  }
  std::string second;
  if (!dsl::transcode::append_message(again, second) || second != json) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* type = Everything::descriptor();
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string path(next_line(rest));
  const std::string_view query = next_line(rest);

  Binding binding;
  binding.verb = "POST";
  binding.pattern = "/v1/{text}";
  binding.parameters = {{"text", dsl::transcode::find_path(*type, "text")}};
  binding.headers = {{"if-match", dsl::transcode::find_path(*type, "uint_32")}};
  for (const bool whole_body : {true, false}) {
    binding.whole_body = whole_body;
    binding.body = whole_body ? nullptr : type->FindFieldByName("inner");
    Everything message;
    if (dsl::transcode::read_request(binding, {{path}, {{path}}, query, rest}, message)) {
      check_round_trip(message);
    }
  }
  return 0;
}
