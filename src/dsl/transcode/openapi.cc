#include "dsl/transcode/openapi.h"

#include <map>

#include "dsl/comment/comment.h"
#include "dsl/transcode/binding.h"
#include "dsl/transcode/schema.h"
#include "dsl/transcode/value.h"
#include "dsl/v1/options.pb.h"

namespace dsl::transcode {

namespace {

using ::dsl::v1::Access;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// Queries nest no deeper in the document; the server takes any depth.
constexpr std::size_t kQueryDepthMax = 4;

std::string lower(std::string text) {
  for (char& c : text) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

// "{path...}" is no OpenAPI; the closest is a parameter like any other.
std::string path_of(const Binding& binding) {
  std::string path = binding.pattern;
  if (const std::size_t dots = path.find("...}"); dots != std::string::npos) {
    path.erase(dots, 3);
  }
  return path;
}

class Document {
 public:
  std::string write(const std::vector<Binding>& bindings, const OpenApiInfo& info);

 private:
  void operation(const Binding& binding, int form);
  void path_parameter(const Binding::Parameter& parameter);
  void header_parameter(const Binding::Header& header);
  void query_parameters(const Binding& binding, const Descriptor& type, const FieldPath& at);
  void body(const Binding& binding);
  void replies(const Binding& binding);
  void error_schema();

  JsonWriter json_;
  Schemas schemas_{json_};
};

std::string Document::write(const std::vector<Binding>& bindings, const OpenApiInfo& info) {
  std::map<std::string, std::vector<const Binding*>> paths;
  for (const Binding& binding : bindings) {
    paths[path_of(binding)].push_back(&binding);
  }
  json_.object([&] {
    json_.text("openapi", "3.1.0");
    json_.object("info", [&] {
      json_.text("title", info.title);
      json_.text("version", info.version);
      if (!info.summary.empty()) {
        json_.text("summary", info.summary);
      }
    });
    std::map<std::string, int> forms;  // of each method; operation ids are unique
    json_.object("paths", [&] {
      for (const auto& path : paths) {
        json_.object(path.first, [&] {
          for (const Binding* binding : path.second) {
            operation(*binding, forms[binding->method->full_name()]++);
          }
        });
      }
    });
    json_.object("components", [&] {
      json_.object("securitySchemes", [&] {
        json_.object("bearer", [&] {
          json_.text("type", "http");
          json_.text("scheme", "bearer");
        });
      });
      json_.object("schemas", [&] {
        error_schema();
        schemas_.write_all();
      });
    });
  });
  return json_.take() + "\n";
}

void Document::operation(const Binding& binding, int form) {
  const auto& method = *binding.method;
  json_.object(lower(binding.verb), [&] {
    const std::string id = text("{}.{}", method.service()->name(), method.name());
    json_.text("operationId", form == 0 ? id : text("{}.{}", id, form + 1));
    json_.array("tags", [&] { json_.item(method.service()->name()); });
    if (const std::string_view comment = comment_of(method.full_name()); !comment.empty()) {
      json_.text("description", comment);
    }
    const auto level = method.options().GetExtension(::dsl::v1::access).level();
    json_.text("x-access", Access::Level_Name(level));
    json_.array("security", [&] {
      if (level != Access::PUBLIC) {
        json_.element([&] { json_.array("bearer", [] {}); });
      }
    });
    json_.array("parameters", [&] {
      for (const Binding::Parameter& parameter : binding.parameters) {
        path_parameter(parameter);
      }
      for (const Binding::Header& header : binding.headers) {
        header_parameter(header);
      }
      if (!binding.whole_body) {
        query_parameters(binding, *method.input_type(), {});
      }
    });
    body(binding);
    replies(binding);
  });
}

void Document::path_parameter(const Binding::Parameter& parameter) {
  json_.element([&] {
    json_.text("name", parameter.name);
    json_.text("in", "path");
    json_.plain("required", "true");
    json_.object("schema", [&] { schemas_.describe(*parameter.field.back(), true); });
  });
}

void Document::header_parameter(const Binding::Header& header) {
  json_.element([&] {
    json_.text("name", header.name);
    json_.text("in", "header");
    json_.text("description", text("the same as {} of the request", dotted(header.field)));
    json_.object("schema", [&] { schemas_.describe(*header.field.back(), false); });
  });
}

void Document::query_parameters(const Binding& binding, const Descriptor& type,
                                const FieldPath& at) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    FieldPath path = at;
    path.push_back(&field);
    bool elsewhere = path.front() == binding.body || field.is_map();
    for (const Binding::Parameter& parameter : binding.parameters) {
      elsewhere = elsewhere || parameter.field == path;
    }
    if (elsewhere) {
      continue;
    }
    if (takes_text(field)) {
      json_.element([&] {
        json_.text("name", dotted(path));
        json_.text("in", "query");
        json_.object("schema", [&] { schemas_.describe(field, false); });
      });
    } else if (!field.is_repeated() && path.size() < kQueryDepthMax &&
               field.message_type()->file()->package() != "google.protobuf") {
      query_parameters(binding, *field.message_type(), path);
    }
  }
}

void Document::body(const Binding& binding) {
  if (!binding.whole_body && binding.body == nullptr) {
    return;
  }
  json_.object("requestBody", [&] {
    json_.object("content", [&] {
      json_.object("application/json", [&] {
        json_.object("schema", [&] {
          if (binding.whole_body) {
            schemas_.refer(*binding.method->input_type());
          } else {
            schemas_.describe(*binding.body, false);
          }
        });
      });
    });
  });
}

void Document::replies(const Binding& binding) {
  const Descriptor& reply = *binding.method->output_type();
  const auto content = [&](const char* type) {
    json_.object(type, [&] { json_.object("schema", [&] { schemas_.refer(reply); }); });
  };
  const auto done = [&](const char* status) {
    json_.object(status, [&] {
      if (binding.method->server_streaming()) {
        json_.text("description", "A stream: a message a line, or an event each.");
        json_.object("content", [&] {
          content("application/x-ndjson");
          content("text/event-stream");
        });
      } else {
        json_.text("description", "Done.");
        json_.object("content", [&] { content("application/json"); });
      }
    });
  };
  json_.object("responses", [&] {
    done("200");
    if (binding.created) {
      done("201");
    }
    json_.object("default", [&] {
      json_.text("description", "An error.");
      json_.object("content", [&] {
        json_.object("application/json", [&] {
          json_.object("schema", [&] { json_.text("$ref", "#/components/schemas/Error"); });
        });
      });
    });
  });
}

// What error_json writes.
void Document::error_schema() {
  const auto string = [&](const char* name, const char* description) {
    json_.object(name, [&] {
      json_.text("type", "string");
      json_.text("description", description);
    });
  };
  json_.object("Error", [&] {
    json_.text("type", "object");
    json_.object("properties", [&] {
      string("error", "What went wrong.");
      string("code", "The kind of error, such as not_found.");
      string("id", "Its place in the service's catalogue, when it has one.");
      string("hint", "What to do next.");
      string("request_id", "Finds the call in the service's log.");
      json_.object("details", [&] {
        json_.text("type", "array");
        json_.object("items", [&] {
          json_.text("type", "object");
          json_.object("properties", [&] {
            string("where", "The field or place.");
            string("message", "What is wrong with it.");
          });
        });
      });
    });
    json_.array("required", [&] {
      for (const char* name : {"error", "code", "hint", "details", "request_id"}) {
        json_.item(name);
      }
    });
  });
}

}  // namespace

Result<std::string> openapi(const rpc::MethodTable& table, const OpenApiInfo& info) {
  MC_ASSIGN(const std::vector<Binding> bindings, make_bindings(table));
  return Document().write(bindings, info);
}

}  // namespace dsl::transcode
