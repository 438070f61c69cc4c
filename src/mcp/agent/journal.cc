#include "mcp/agent/journal.h"

#include <array>

#include <boost/json.hpp>

namespace mcp::agent {

namespace json = boost::json;
using dsl::Code;
using dsl::fail;
using dsl::Result;

namespace {

constexpr std::array<std::string_view, 3> kNames{"remove-new", "unpark", "remove-directory"};

Result<Undo> undo_from(const json::value& value) {
  try {
    const json::object& object = value.as_object();
    const auto kind = json::value_to<std::string>(object.at("undo"));
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (kNames[i] == kind) {
        return Undo{.kind = static_cast<Undo::Kind>(i),
                    .container = json::value_to<std::string>(object.at("container")),
                    .component = json::value_to<std::string>(object.at("component")),
                    .id = json::value_to<std::string>(object.at("id")),
                    .was_running = object.at("was_running").as_bool()};
      }
    }
    return fail(Code::kDataLoss, "journal names an unknown undo \"{}\"", kind);
  } catch (const std::exception& error) {
    return fail(Code::kDataLoss, "journal of the operation is damaged: {}", error.what());
  }
}

}  // namespace

std::string Journal::to_json() const {
  json::array array;
  for (const Undo& undo : undos) {
    array.push_back({{"undo", kNames.at(static_cast<std::size_t>(undo.kind))},
                     {"container", undo.container},
                     {"component", undo.component},
                     {"id", undo.id},
                     {"was_running", undo.was_running}});
  }
  return json::serialize(json::object{{"committed", committed}, {"undos", std::move(array)}});
}

Result<Journal> journal_from_json(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) {
    return fail(Code::kDataLoss, "journal of the operation is damaged");
  }
  Journal journal;
  const json::object& object = value.get_object();
  if (const json::value* committed = object.if_contains("committed")) {
    // Taken for "not committed", a damaged word would undo what must go forward.
    if (!committed->is_bool()) {
      return fail(Code::kDataLoss, "journal of the operation is damaged: committed is no boolean");
    }
    journal.committed = committed->get_bool();
  }
  if (const json::value* undos = object.if_contains("undos")) {
    if (!undos->is_array()) {
      return fail(Code::kDataLoss, "journal of the operation is damaged: undos is no array");
    }
    for (const json::value& entry : undos->get_array()) {
      MC_ASSIGN(Undo undo, undo_from(entry));
      journal.undos.push_back(std::move(undo));
    }
  }
  return journal;
}

}  // namespace mcp::agent
