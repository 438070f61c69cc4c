#include "dsl/rpc/descriptors.h"

#include <set>

#include "dsl/rpc/validator.h"

namespace dsl::rpc {

namespace {

using ::dsl::v1::Access;
using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

std::string fault_of(const Method& method, const MethodDescriptor& declared) {
  if (declared.input_type() != method.request_prototype->GetDescriptor()) {
    return text("takes {}, the table has {}", declared.input_type()->full_name(),
                method.request_prototype->GetDescriptor()->full_name());
  }
  if (declared.output_type() != method.response_prototype->GetDescriptor()) {
    return text("returns {}, the table has {}", declared.output_type()->full_name(),
                method.response_prototype->GetDescriptor()->full_name());
  }
  if (declared.server_streaming() != (method.streaming || method.conversation) ||
      declared.client_streaming() != method.conversation) {
    return "streams otherwise than the table says";
  }
  return {};
}

bool has_access(const MethodDescriptor& method) {
  return method.options().HasExtension(::dsl::v1::access) &&
         method.options().GetExtension(::dsl::v1::access).level() != Access::UNSPECIFIED &&
         method.options().GetExtension(::dsl::v1::access).class_() != Access::CLASS_UNSPECIFIED;
}

}  // namespace

Result<std::map<std::string, Route>> make_routes(const MethodTable& table) {
  Error error(Code::kInternal, "the method table cannot be served");
  std::map<std::string, Route> routes;
  std::set<const ServiceDescriptor*> services;
  for (const auto& [name, method] : table.methods()) {
    const MethodDescriptor* declared = DescriptorPool::generated_pool()->FindMethodByName(name);
    if (declared == nullptr) {
      error.add_detail(name, "is declared in no linked .proto file");
      continue;
    }
    services.insert(declared->service());
    if (std::string fault = fault_of(method, *declared); !fault.empty()) {
      error.add_detail(name, std::move(fault));
    }
    routes[name] = {method, declared->options().GetExtension(::dsl::v1::access)};
  }
  for (const ServiceDescriptor* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      if (!has_access(*service->method(i))) {
        error.add_detail(service->method(i)->full_name(),
                         "has no (dsl.v1.access) option with a level and a class");
      }
    }
  }
  if (!error.details().empty()) {
    const Detail& first = error.details().front();
    return fail(Error(error)).context(text("{} {}", first.where, first.message));
  }
  return routes;
}

std::vector<const Descriptor*> request_types(const MethodTable& table) {
  std::vector<const Descriptor*> types;
  for (const auto& [name, method] : table.methods()) {
    types.push_back(method.request_prototype->GetDescriptor());
  }
  return types;
}

Result<void> check_descriptors(const MethodTable& table) {
  MC_TRY(make_routes(table));
  MC_TRY(Validator::create(request_types(table)));
  return {};
}

std::string method_of_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || slash == 0 || path.front() != '/') {
    return {};
  }
  std::string method(path.substr(1));
  method[slash - 1] = '.';
  return method;
}

std::string path_of_method(std::string_view method) {
  std::string path = text("/{}", method);
  const std::size_t dot = path.rfind('.');
  MC_ASSERT(dot != std::string::npos, "a method is named package.Service.Method");
  path[dot] = '/';
  return path;
}

}  // namespace dsl::rpc
