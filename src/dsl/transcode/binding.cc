#include "dsl/transcode/binding.h"

#include <map>
#include <set>
#include <utility>

#include "dsl/transcode/value.h"
#include "dsl/v1/options.pb.h"

namespace dsl::transcode {

namespace {

using ::dsl::v1::Http;
using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

// Where the errors and bindings of one table are gathered.
struct Gathered {
  std::vector<Binding> bindings;
  Error faults{Code::kInternal, "the REST form of the methods cannot be served"};
  std::map<std::string, std::string> taken;  // "GET /v1/zones/{}" -> method
};

std::vector<std::pair<std::string, std::string>> verbs_of(const Http& http) {
  std::vector<std::pair<std::string, std::string>> verbs;
  for (const auto& [verb, path] :
       {std::pair("GET", http.get()), std::pair("POST", http.post()), std::pair("PUT", http.put()),
        std::pair("PATCH", http.patch()), std::pair("DELETE", http.delete_())}) {
    if (!path.empty()) {
      verbs.emplace_back(verb, path);
    }
  }
  return verbs;
}

// The pattern with its parameters resolved; what is wrong with it otherwise.
std::string resolve_pattern(const std::string& path, const Descriptor& request, Binding& binding) {
  if (path.front() != '/') {
    return text("has the path {}, which does not begin with /", path);
  }
  std::set<std::string> names;
  std::size_t at = 0;
  while (true) {
    const std::size_t open = path.find('{', at);
    binding.pattern += path.substr(at, open - at);
    if (open == std::string::npos) {
      return {};
    }
    const std::size_t close = path.find('}', open);
    if (close == std::string::npos) {
      return text("has the path {} with an open brace", path);
    }
    std::string name = path.substr(open + 1, close - open - 1);
    const std::string rest = name.ends_with("...") ? "..." : "";
    name.resize(name.size() - rest.size());
    FieldPath field = find_path(request, name);
    if (field.empty() || field.back()->is_repeated() || !takes_text(*field.back())) {
      return text("has {} in its path, which is no single value of {}", name, request.full_name());
    }
    for (char& c : name) {
      c = c == '.' ? '_' : c;
    }
    if (!names.insert(name).second) {
      return text("has {} in its path twice", name);
    }
    binding.pattern += text("{{}{}}", name, rest);
    binding.parameters.push_back({std::move(name), std::move(field)});
    at = close + 1;
  }
}

std::string resolve_body(const Http& http, const Descriptor& request, Binding& binding) {
  if (http.body().empty()) {
    return {};
  }
  if (binding.verb == "GET" || binding.verb == "DELETE") {
    return text("is a {} with a body", binding.verb);
  }
  binding.whole_body = http.body() == "*";
  if (!binding.whole_body) {
    binding.body = request.FindFieldByName(http.body());
    if (binding.body == nullptr) {
      return text("has the body {}, which is no field of {}", http.body(), request.full_name());
    }
  }
  return {};
}

// Headers are for requests as a whole, so their fields are near the top of the message.
constexpr std::size_t kHeaderDepthMax = 2;

void find_headers(const Descriptor& type, const FieldPath& at, std::vector<Binding::Header>& out) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    FieldPath path = at;
    path.push_back(&field);
    const std::string& header = field.options().GetExtension(::dsl::v1::header);
    if (!header.empty() && !field.is_repeated() && takes_text(field)) {
      out.push_back({header, path});
    } else if (!field.is_repeated() && field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
               path.size() < kHeaderDepthMax) {
      find_headers(*field.message_type(), path, out);
    }
  }
}

// Streams end with an error as a line of its own: a client must be able to tell it from a message.
std::string check_stream(const MethodDescriptor& method) {
  const Descriptor& type = *method.output_type();
  if (method.server_streaming() && type.FindFieldByName("error") && type.FindFieldByName("code") &&
      type.FindFieldByName("request_id")) {
    return text("streams {}, which looks like an error", type.full_name());
  }
  return {};
}

// Two patterns that differ in the names of their parameters only take the same requests.
std::string shape_of(const Binding& binding) {
  std::string shape = binding.verb + " ";
  bool inside = false;
  for (const char c : binding.pattern) {
    inside = c == '{' || (inside && c != '}');
    if (!inside || c == '{' || c == '.') {
      shape += c;
    }
  }
  return shape;
}

void add_form(const MethodDescriptor& method, const Http& http, Gathered& gathered) {
  const auto fault = [&](std::string problem) {
    gathered.faults.add_detail(std::string(method.full_name()), std::move(problem));
  };
  const auto verbs = verbs_of(http);
  if (verbs.size() != 1) {
    fault("has an (dsl.v1.http) option without one verb");
    return;
  }
  Binding binding;
  binding.method = &method;
  binding.verb = verbs.front().first;
  binding.created = http.created();
  find_headers(*method.input_type(), {}, binding.headers);
  for (std::string problem :
       {resolve_pattern(verbs.front().second, *method.input_type(), binding),
        resolve_body(http, *method.input_type(), binding), check_stream(method)}) {
    if (!problem.empty()) {
      fault(std::move(problem));
      return;
    }
  }
  const auto [other, added] = gathered.taken.emplace(shape_of(binding), method.full_name());
  if (!added) {
    fault(text("has the path of {}: {} {}", other->second, binding.verb, binding.pattern));
    return;
  }
  gathered.bindings.push_back(std::move(binding));
}

}  // namespace

FieldPath find_path(const Descriptor& type, std::string_view name) {
  FieldPath path;
  const Descriptor* at = &type;
  while (true) {
    const std::size_t dot = name.find('.');
    const FieldDescriptor* field = at->FindFieldByName(std::string(name.substr(0, dot)));
    if (field == nullptr) {
      return {};
    }
    path.push_back(field);
    if (dot == std::string_view::npos) {
      return path;
    }
    if (field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      return {};
    }
    at = field->message_type();
    name.remove_prefix(dot + 1);
  }
}

std::string dotted(const FieldPath& path) {
  std::string name;
  for (const FieldDescriptor* field : path) {
    name += (name.empty() ? "" : ".") + field->name();
  }
  return name;
}

Result<std::vector<Binding>> make_bindings(const rpc::MethodTable& table) {
  Gathered gathered;
  for (const auto& [name, row] : table.methods()) {
    const MethodDescriptor* method = DescriptorPool::generated_pool()->FindMethodByName(name);
    if (method == nullptr || !method->options().HasExtension(::dsl::v1::http)) {
      continue;
    }
    const Http& http = method->options().GetExtension(::dsl::v1::http);
    add_form(*method, http, gathered);
    for (const Http& further : http.additional()) {
      add_form(*method, further, gathered);
    }
  }
  if (!gathered.faults.details().empty()) {
    const Detail first = gathered.faults.details().front();
    return fail(std::move(gathered.faults)).context(text("{} {}", first.where, first.message));
  }
  return std::move(gathered.bindings);
}

}  // namespace dsl::transcode
