// Reading members of foreign JSON without trusting it: what is absent or of another type reads as
// empty.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/result/result.h"

namespace boost::json {
class value;
class array;
class object;
enum class kind : unsigned char;
}  // namespace boost::json

namespace mcp::runtime {

// kDataLoss when `text` is not JSON or not of `kind`.
dsl::Result<boost::json::value> parse_json(std::string_view text, boost::json::kind kind);

const boost::json::value& member(const boost::json::value& object, std::string_view name);
std::string text_of(const boost::json::value& value);
std::int64_t integer_of(const boost::json::value& value);
bool flag_of(const boost::json::value& value);
std::vector<std::string> texts_of(const boost::json::value& array);
std::map<std::string, std::string> text_map_of(const boost::json::value& object);
// Items of an array, none for anything else.
const boost::json::array& items_of(const boost::json::value& value);
const boost::json::object& members_of(const boost::json::value& value);

}  // namespace mcp::runtime
