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
// taken, too.
std::string_view unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

// A condition that is there and says nothing must not be taken for none: what it was written with
// was empty by mistake.
Result<void> read_header(const Binding::Header& header, const std::vector<std::string>& values,
                         Message& request) {
  if (values.empty() || values == std::vector<std::string>{"*"}) {
    return {};
  }
  if (values.size() > 1) {
    return fail(field_error(header.name, "is there twice"));
  }
  const std::string value(unquoted(values.front()));
  if (value.empty() || value == "0") {
    return fail(field_error(header.name, text("is \"{}\"", value)))
        .hint(text("give {} a value, or leave the header out", header.name));
  }
  return read_part(header.field, value, text("header {}", header.name), request);
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
    MC_TRY(read_header(binding.headers[i], parts.headers[i], request));
  }
  return {};
}

}  // namespace dsl::transcode
