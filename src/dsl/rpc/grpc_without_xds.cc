// gRPC without xDS, a control plane that nobody here speaks: 2 MB of code, and most of what gRPC
// registers when it is first used.
//
// A plain build of gRPC registers xDS in this function; a build with GRPC_NO_XDS has it empty.
// Where gRPC is linked statically (cmake/grpc.cmake) this definition stands before that of the
// archive, and nothing else pulls the rest in. Shared, gRPC calls its own and this is not linked.
namespace grpc_core {

class CoreConfiguration {
 public:
  class Builder;
};

void RegisterExtraFilters(CoreConfiguration::Builder* builder);
void RegisterExtraFilters(CoreConfiguration::Builder* /*builder*/) {}

}  // namespace grpc_core
