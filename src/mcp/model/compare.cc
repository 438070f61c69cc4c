// compare: two specifications field by field.
#include <set>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "mcp/model/json_fields.h"
#include "mcp/model/model.h"
#include "mcp/model/words.h"

namespace mcp::model {

namespace {

namespace json = boost::json;

std::string shown(const json::value* value) {
  if (value == nullptr || value->is_null()) {
    return "";
  }
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

// Objects are entered; lists are compared whole, since order matters in them.
void compare_values(const std::string& field, const json::value* want, const json::value* have,
                    std::vector<FieldDifference>& out) {
  const bool objects = want != nullptr && have != nullptr && want->is_object() && have->is_object();
  if (!objects) {
    const bool same = want != nullptr && have != nullptr && *want == *have;
    if (!same) {
      out.push_back({field, shown(want), shown(have)});
    }
    return;
  }
  std::set<std::string> keys;
  for (const auto& member : want->get_object()) {
    keys.emplace(member.key());
  }
  for (const auto& member : have->get_object()) {
    keys.emplace(member.key());
  }
  for (const std::string& key : keys) {
    compare_values(field.empty() ? key : field + "." + key, want->get_object().if_contains(key),
                   have->get_object().if_contains(key), out);
  }
}

// Ports, sockets and volumes in the notation of definitions; they lose nothing by it.
json::value readable(const Component& component) {
  json::value value = to_json(component);
  json::array ports;
  for (const Port& port : component.ports) {
    ports.emplace_back(format_port(port));
  }
  json::array volumes;
  for (const Volume& volume : component.volumes) {
    volumes.emplace_back(format_volume(volume));
  }
  if (!component.sockets.empty()) {
    json::array sockets;
    for (const Socket& socket : component.sockets) {
      sockets.emplace_back(socket.name + "=" + format_listen(socket));
    }
    value.get_object()["sockets"] = std::move(sockets);
  }
  value.get_object()["ports"] = std::move(ports);
  value.get_object()["volumes"] = std::move(volumes);
  return value;
}

// Components by name instead of by place.
json::value by_name(const Service& service) {
  json::value value = to_json(service);
  json::object components;
  for (const Component& component : service.components) {
    components[component.name] = readable(component);
  }
  value.get_object()["components"] = std::move(components);
  return value;
}

}  // namespace

std::vector<FieldDifference> compare(const Service& want, const Service& have) {
  const json::value left = by_name(want);
  const json::value right = by_name(have);
  std::vector<FieldDifference> differences;
  compare_values("", &left, &right, differences);
  return differences;
}

}  // namespace mcp::model
