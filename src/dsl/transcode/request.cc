#include "dsl/transcode/request.h"

#include <set>

#include "dsl/transcode/json_message.h"
#include "dsl/transcode/query.h"
#include "dsl/transcode/value.h"

namespace dsl::transcode {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The message that holds the last field of the path.
Message& holder(Message& request, const FieldPath& path) {
  Message* at = &request;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    at = at->GetReflection()->MutableMessage(at, path[i]);
  }
  return *at;
}

Result<void> read_body(const Binding& binding, std::string_view body, Message& request) {
  if (body.empty()) {
    return {};
  }
  if (!binding.whole_body && binding.body == nullptr) {
    return fail(Code::kInvalidArgument, "{} {} takes no body", binding.verb, binding.pattern)
        .detail("body", "is not taken here")
        .hint("send its fields in the query");
  }
  MC_ASSIGN(const JsonValue value, parse_json(body));
  return binding.whole_body ? read_message(value, request)
                            : read_field(value, request, *binding.body);
}

// A path or a header says what is meant; a body that says something else is a mistake.
Result<void> read_part(const FieldPath& path, const std::string& value, std::string_view place,
                       Message& request) {
  const FieldDescriptor& field = *path.back();
  Message& in = holder(request, path);
  const auto* oneof = field.real_containing_oneof();
  const bool given = in.GetReflection()->HasField(in, &field);
  if (!given && oneof != nullptr && in.GetReflection()->HasOneof(in, oneof)) {
    return fail(field_error(dotted(path), "is one too many of " + oneof->name()));
  }
  std::string before;
  if (given) {
    before = in.SerializeAsString();
    in.GetReflection()->ClearField(&in, &field);
  }
  if (std::string problem = put_value(in, field, value, Form::kText); !problem.empty()) {
    return fail(field_error(dotted(path), std::move(problem)));
  }
  if (given && in.SerializeAsString() != before) {
    return fail(field_error(dotted(path), text("is another one in the {}", place)));
  }
  return {};
}

// Entity tags and keys are quoted strings (RFC 9110 section 8.8.3); without the quotes they are
// taken, too. "*" is any, as if the header were not there.
std::string_view header_value(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    return value.substr(1, value.size() - 2);
  }
  return value == "*" ? std::string_view() : value;
}

Result<void> read_query(const Binding& binding, std::string_view raw, Message& request) {
  MC_ASSIGN(const auto pairs, parse_query(raw));
  std::set<FieldPath> seen;
  for (const Binding::Parameter& parameter : binding.parameters) {
    seen.insert(parameter.field);
  }
  for (const auto& [key, value] : pairs) {
    const FieldPath path =
        binding.whole_body ? FieldPath() : find_path(*request.GetDescriptor(), key);
    if (path.empty() || path.front() == binding.body || !takes_text(*path.back())) {
      return fail(Error(field_error(key, "is not a query parameter"))
                      .set_hint(binding.whole_body ? "send it in the body" : ""));
    }
    if (!seen.insert(path).second && !path.back()->is_repeated()) {
      return fail(field_error(key, "is there twice"));
    }
    Message& in = holder(request, path);
    const auto* oneof = path.back()->real_containing_oneof();
    if (oneof != nullptr && in.GetReflection()->HasOneof(in, oneof)) {
      return fail(field_error(key, "is one too many of " + oneof->name()));
    }
    if (std::string problem = put_value(in, *path.back(), value, Form::kText); !problem.empty()) {
      return fail(field_error(key, std::move(problem)));
    }
  }
  return {};
}

}  // namespace

Result<void> read_request(const Binding& binding, const RequestParts& parts, Message& request) {
  MC_TRY(read_body(binding, parts.body, request));
  for (std::size_t i = 0; i < binding.parameters.size(); ++i) {
    MC_TRY(read_part(binding.parameters[i].field, parts.parameters[i], "path", request));
  }
  MC_TRY(read_query(binding, parts.raw_query, request));
  for (std::size_t i = 0; i < binding.headers.size(); ++i) {
    if (const std::string_view value = header_value(parts.headers[i]); !value.empty()) {
      MC_TRY(read_part(binding.headers[i].field, std::string(value),
                       text("header {}", binding.headers[i].name), request));
    }
  }
  return {};
}

}  // namespace dsl::transcode
