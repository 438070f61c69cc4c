// What every method of the platform says about itself.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor_database.h>
#include <gtest/gtest.h>

#include "dsl/comment/comment.h"
#include "dsl/v1/options.pb.h"

namespace dsl {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;

// Those of every linked file but gRPC's own services, whose form is gRPC's.
std::vector<const MethodDescriptor*> our_methods() {
  std::vector<std::string> files;
  DescriptorPool::internal_generated_database()->FindAllFileNames(&files);
  std::vector<const MethodDescriptor*> methods;
  for (const std::string& name : files) {
    const FileDescriptor* file = DescriptorPool::generated_pool()->FindFileByName(name);
    for (int i = 0; i < file->service_count() && !name.starts_with("grpc/"); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        methods.push_back(file->service(i)->method(j));
      }
    }
  }
  return methods;
}

TEST(Declarations, EveryMethodHasAccessHttpAndComment) {
  const auto methods = our_methods();
  ASSERT_GE(methods.size(), 20u) << "the files of proto/ are not linked";

  for (const MethodDescriptor* method : methods) {
    SCOPED_TRACE(method->full_name());
    const auto& access = method->options().GetExtension(v1::access);
    EXPECT_NE(access.level(), v1::Access::UNSPECIFIED);
    EXPECT_NE(access.class_(), v1::Access::CLASS_UNSPECIFIED);
    EXPECT_TRUE(method->options().HasExtension(v1::http));
    EXPECT_NE(comment_of(method->full_name()), "");
  }
}

}  // namespace
}  // namespace dsl
