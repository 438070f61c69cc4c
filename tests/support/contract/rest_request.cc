#include "support/contract/rest_request.h"

#include <algorithm>
#include <memory>

#include <google/protobuf/descriptor.h>

#include "dsl/transcode/json_message.h"
#include "dsl/transcode/value.h"
#include "support/result_matchers.h"

namespace dsl::test {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using transcode::Binding;
using transcode::FieldPath;
using transcode::JsonValue;
using Kind = JsonValue::Kind;

JsonValue tree_of(const Message& message) {
  std::string json;
  require_ok(transcode::append_message(message, json));
  return require_ok(transcode::parse_json(json));
}

Message& holder(Message& request, const FieldPath& path) {
  Message* at = &request;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    at = at->GetReflection()->MutableMessage(at, path[i]);
  }
  return *at;
}

// The text of one field as a path has it.
std::string text_at(const Message& request, const FieldPath& path) {
  const Message* at = &request;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    at = &at->GetReflection()->GetMessage(*at, path[i]);
  }
  for (const JsonValue::Member& member : tree_of(*at).members) {
    if (member.name == path.back()->name()) {
      return member.value.text;
    }
  }
  return {};
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool says(const FieldDescriptor& field) {
  if (field.is_map()) {
    return false;
  }
  const bool message = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (message && !transcode::takes_text(field)) {
    return !field.is_repeated() && field.message_type()->file()->package() != "google.protobuf";
  }
  return !(field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM &&
           field.enum_type()->full_name() == "google.protobuf.NullValue");
}

void fit_to_query(Message& message) {
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    if (!says(field)) {
      reflection.ClearField(&message, &field);
    } else if (!transcode::takes_text(field) && reflection.HasField(message, &field)) {
      fit_to_query(*reflection.MutableMessage(&message, &field));
    }
  }
}

void add_to_query(const JsonValue& value, const std::string& name, std::string& query) {
  switch (value.kind) {
    case Kind::kNull:
      return;
    case Kind::kArray:
    case Kind::kObject:
      for (const JsonValue::Member& member : value.members) {
        const std::string inner = name.empty() ? member.name : name + "." + member.name;
        add_to_query(member.value, value.kind == Kind::kArray ? name : inner, query);
      }
      return;
    default:
      query += (query.empty() ? "" : "&") + http::encode(name) + "=" + http::encode(value.text);
  }
}

bool is_parameter(const Binding& binding, const std::string& name) {
  for (const Binding::Parameter& parameter : binding.parameters) {
    if (transcode::dotted(parameter.field) == name) {
      return true;
    }
  }
  return false;
}

// What the query says: everything that neither path nor body has.
void add_rest(const Binding& binding, const JsonValue& value, const std::string& name,
              std::string& query) {
  for (const JsonValue::Member& member : value.members) {
    const std::string inner = name.empty() ? member.name : name + "." + member.name;
    if (is_parameter(binding, inner) || (binding.body && inner == binding.body->name())) {
      continue;
    }
    if (member.value.kind == Kind::kObject) {
      add_rest(binding, member.value, inner, query);
    } else {
      add_to_query(member.value, inner, query);
    }
  }
}

std::string path_of(const Binding& binding, const Message& request) {
  std::string path = binding.pattern;
  for (const Binding::Parameter& parameter : binding.parameters) {
    const std::string value = http::encode(text_at(request, parameter.field));
    for (const std::string& name :
         {text("{{}}", parameter.name), text("{{}...}", parameter.name)}) {
      if (const std::size_t at = path.find(name); at != std::string::npos) {
        path.replace(at, name.size(), value);
      }
    }
  }
  return path;
}

}  // namespace

void fit_to_binding(const Binding& binding, Message& request) {
  for (const Binding::Parameter& parameter : binding.parameters) {
    const std::string value = text_at(request, parameter.field);
    if (value.empty() || std::any_of(value.begin(), value.end(), is_control)) {
      // "1" is a value of every type but those that a test puts in a path itself.
      (void)transcode::put_value(holder(request, parameter.field), *parameter.field.back(), "1",
                                 transcode::Form::kText);
    }
  }
  if (binding.whole_body) {
    return;
  }
  Message* kept = nullptr;
  std::unique_ptr<Message> copy;
  if (binding.body != nullptr) {
    copy.reset(request.New());
    copy->CopyFrom(request);
    kept = copy.get();
  }
  fit_to_query(request);
  if (kept != nullptr) {
    request.GetReflection()->SwapFields(&request, kept, {binding.body});
  }
}

http::Request rest_request(const Binding& binding, const Message& request) {
  http::Request out;
  out.method = binding.verb;
  out.path = path_of(binding, request);
  const JsonValue tree = tree_of(request);
  if (binding.whole_body) {
    append_json(tree, out.body);
  } else {
    for (const JsonValue::Member& member : tree.members) {
      if (binding.body && member.name == binding.body->name()) {
        append_json(member.value, out.body);
      }
    }
    std::string query;
    add_rest(binding, tree, "", query);
    out.path += query.empty() ? "" : "?" + query;
  }
  if (!out.body.empty()) {
    out.headers.emplace_back("content-type", "application/json");
  }
  return out;
}

}  // namespace dsl::test
