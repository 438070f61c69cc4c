#include "dsl/transcode/json_tree.h"

#include <set>

#include <boost/json/basic_parser_impl.hpp>

#include "dsl/json/text.h"

namespace dsl::transcode {

namespace {

namespace bj = boost::json;
using Kind = JsonValue::Kind;

constexpr std::size_t kDepthMax = 64;  // a message is read and printed by recursion

// What Boost's parser tells, piece by piece. An object that ends is known to have distinct names.
class TreeBuilder {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  JsonValue take() { return std::move(root_); }
  const std::string& twice() const { return twice_; }

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code&) { return open(Kind::kObject); }
  bool on_object_end(std::size_t, bj::error_code& error);
  bool on_array_begin(bj::error_code&) { return open(Kind::kArray); }
  bool on_array_end(std::size_t, bj::error_code&) { return close(); }
  bool on_key_part(bj::string_view piece, std::size_t, bj::error_code&) { return add(piece); }
  bool on_key(bj::string_view piece, std::size_t, bj::error_code&) {
    add(piece);
    key_ = std::move(text_);
    text_.clear();
    return true;
  }
  bool on_string_part(bj::string_view piece, std::size_t, bj::error_code&) { return add(piece); }
  bool on_string(bj::string_view piece, std::size_t, bj::error_code&) {
    add(piece);
    return leaf(Kind::kString);
  }
  bool on_number_part(bj::string_view piece, bj::error_code&) { return add(piece); }
  bool on_int64(std::int64_t, bj::string_view piece, bj::error_code&) { return number(piece); }
  bool on_uint64(std::uint64_t, bj::string_view piece, bj::error_code&) { return number(piece); }
  bool on_double(double, bj::string_view piece, bj::error_code&) { return number(piece); }
  bool on_bool(bool value, bj::error_code&) {
    text_ = value ? "true" : "false";
    return leaf(Kind::kBool);
  }
  bool on_null(bj::error_code&) { return leaf(Kind::kNull); }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }

 private:
  bool add(bj::string_view piece) {
    text_.append(piece.data(), piece.size());
    return true;
  }
  bool number(bj::string_view piece) {
    add(piece);
    return leaf(Kind::kNumber);
  }
  JsonValue& place(Kind kind) {
    JsonValue* value = &root_;
    if (!open_.empty()) {
      open_.back()->members.push_back({std::move(key_), {}});
      value = &open_.back()->members.back().value;
    }
    key_.clear();
    value->kind = kind;
    return *value;
  }
  bool leaf(Kind kind) {
    place(kind).text = std::move(text_);
    text_.clear();
    return true;
  }
  bool open(Kind kind) {
    open_.push_back(&place(kind));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  JsonValue root_;
  std::vector<JsonValue*> open_;  // stays valid: only the innermost one's members grow
  std::string key_;
  std::string text_;
  std::string twice_;
};

bool TreeBuilder::on_object_end(std::size_t, bj::error_code& error) {
  std::set<std::string_view> names;
  for (const JsonValue::Member& member : open_.back()->members) {
    if (!names.insert(member.name).second) {
      twice_ = member.name;
      error = bj::error::syntax;
      return false;
    }
  }
  return close();
}

}  // namespace

Result<JsonValue> parse_json(std::string_view text) {
  bj::parse_options options;
  options.max_depth = kDepthMax;
  bj::basic_parser<TreeBuilder> parser(options);
  bj::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!parser.handler().twice().empty()) {
    return fail(Code::kInvalidArgument, "{} is there twice", parser.handler().twice())
        .detail(parser.handler().twice(), "is there twice");
  }
  if (error == bj::error::too_deep) {
    return fail(Code::kInvalidArgument, "the JSON nests deeper than {} levels", kDepthMax);
  }
  if (error) {
    return fail(Code::kInvalidArgument, "not JSON at byte {}: {}", used, error.message());
  }
  // The parser takes white space after the value; anything else is left over.
  if (used < text.size()) {
    return fail(Code::kInvalidArgument, "not JSON at byte {}: more after the value", used);
  }
  return parser.handler().take();
}

void append_json(const JsonValue& value, std::string& out) {
  const bool object = value.kind == Kind::kObject;
  switch (value.kind) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kBool:
    case Kind::kNumber:
      out += value.text;
      return;
    case Kind::kString:
      json::append_string(value.text, out);
      return;
    case Kind::kArray:
    case Kind::kObject:
      out += object ? '{' : '[';
      for (std::size_t i = 0; i < value.members.size(); ++i) {
        out += i > 0 ? "," : "";
        if (object) {
          json::append_string(value.members[i].name, out);
          out += ':';
        }
        append_json(value.members[i].value, out);
      }
      out += object ? '}' : ']';
      return;
  }
}

}  // namespace dsl::transcode
