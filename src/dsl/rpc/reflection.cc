#include <set>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include "dsl/rpc/builtin_services.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"

namespace dsl::rpc {

namespace {

namespace pb = ::grpc::reflection::v1alpha;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using Request = pb::ServerReflectionRequest;
using Response = pb::ServerReflectionResponse;

constexpr char kMethod[] = "grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo";

const DescriptorPool& linked() { return *DescriptorPool::generated_pool(); }

void refuse(Response& response, const std::string& what) {
  response.mutable_error_response()->set_error_code(code_info(Code::kNotFound).grpc_status);
  response.mutable_error_response()->set_error_message(text("{} is not known here", what));
}

void add_file(const FileDescriptor* file, std::set<const FileDescriptor*>& done,
              pb::FileDescriptorResponse& out) {
  if (!done.insert(file).second) {
    return;
  }
  FileDescriptorProto proto;
  file->CopyTo(&proto);
  out.add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file->dependency_count(); ++i) {
    add_file(file->dependency(i), done, out);
  }
}

void answer_file(Response& response, const FileDescriptor* file, const std::string& what) {
  if (file == nullptr) {
    refuse(response, what);
    return;
  }
  std::set<const FileDescriptor*> done;
  add_file(file, done, *response.mutable_file_descriptor_response());
}

const FieldDescriptor* find_extension(const pb::ExtensionRequest& request) {
  const auto* type = linked().FindMessageTypeByName(request.containing_type());
  return type == nullptr ? nullptr
                         : linked().FindExtensionByNumber(type, request.extension_number());
}

void answer_extension_numbers(Response& response, const std::string& name) {
  const auto* type = linked().FindMessageTypeByName(name);
  if (type == nullptr) {
    refuse(response, name);
    return;
  }
  std::vector<const FieldDescriptor*> extensions;
  linked().FindAllExtensions(type, &extensions);
  auto* out = response.mutable_all_extension_numbers_response();
  out->set_base_type_name(name);
  for (const FieldDescriptor* extension : extensions) {
    out->add_extension_number(extension->number());
  }
}

Response answer(const std::set<std::string>& services, const Request& request) {
  Response response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case Request::kFileByFilename:
      answer_file(response, linked().FindFileByName(request.file_by_filename()),
                  request.file_by_filename());
      break;
    case Request::kFileContainingSymbol:
      answer_file(response, linked().FindFileContainingSymbol(request.file_containing_symbol()),
                  request.file_containing_symbol());
      break;
    case Request::kFileContainingExtension: {
      const FieldDescriptor* extension = find_extension(request.file_containing_extension());
      answer_file(response, extension == nullptr ? nullptr : extension->file(), "the extension");
      break;
    }
    case Request::kAllExtensionNumbersOfType:
      answer_extension_numbers(response, request.all_extension_numbers_of_type());
      break;
    case Request::kListServices:
      for (const std::string& service : services) {
        response.mutable_list_services_response()->add_service()->set_name(service);
      }
      break;
    case Request::MESSAGE_REQUEST_NOT_SET:
      refuse(response, "an empty request");
      break;
  }
  return response;
}

}  // namespace

void add_reflection(MethodTable& table) {
  std::set<std::string> services{"grpc.reflection.v1alpha.ServerReflection"};
  for (const auto& [name, method] : table.methods()) {
    services.insert(name.substr(0, name.rfind('.')));
  }
  Method method;
  method.name = kMethod;
  method.conversation = true;
  method.request_prototype = &Request::default_instance();
  method.response_prototype = &Response::default_instance();
  method.handle = [services = std::move(services)](CallContext&, const Message& request,
                                                   MessageSink& sink) {
    return sink.write(answer(services, static_cast<const Request&>(request)));
  };
  table.insert(std::move(method));
}

}  // namespace dsl::rpc
