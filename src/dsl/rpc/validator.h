// (dsl.v1.check) field options, checked before a handler sees the request.
#pragma once

#include <memory>
#include <vector>

#include <google/protobuf/message.h>

#include "dsl/result/result.h"

namespace dsl::rpc {

// Checks apply to fields that are set; `required` asks that one is. Elements of repeated fields and
// fields of nested messages are checked like any other. Constant once made, so thread-safe.
class Validator {
 public:
  // Prepares the rules of these messages and of everything they contain. Options that cannot be
  // obeyed (a bad pattern, min above max, a check that does not fit the type) are listed in the
  // details of the error.
  static Result<Validator> create(const std::vector<const google::protobuf::Descriptor*>& messages);
  Validator(Validator&&) noexcept;
  Validator& operator=(Validator&&) noexcept;
  ~Validator();

  // kInvalidArgument with every finding (up to 20), each with the path of its field.
  Result<void> check(const google::protobuf::Message& message) const;

 private:
  struct Rules;
  explicit Validator(std::unique_ptr<const Rules> rules);
  std::unique_ptr<const Rules> rules_;
};

}  // namespace dsl::rpc
