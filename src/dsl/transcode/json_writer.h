// Writes JSON with the commas in their places.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/json/text.h"

namespace dsl::transcode {

//   JsonWriter json;
//   json.object([&] {
//     json.text("name", "x");
//     json.array("list", [&] { json.item("a"); });
//   });
//
// Confined to one thread.
class JsonWriter {
 public:
  std::string take() { return std::move(out_); }

  template <class Body>
  void object(Body body) {
    enclosed('{', '}', body);
  }
  template <class Body>
  void object(std::string_view name, Body body) {
    key(name);
    enclosed('{', '}', body);
  }
  template <class Body>
  void array(std::string_view name, Body body) {
    key(name);
    enclosed('[', ']', body);
  }
  // An element of an array that is an object.
  template <class Body>
  void element(Body body) {
    comma();
    enclosed('{', '}', body);
  }
  void item(std::string_view text) {
    comma();
    json::append_string(text, out_);
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    json::append_string(value, out_);
  }
  // A number, true or false.
  void plain(std::string_view name, std::string_view value) {
    key(name);
    out_ += value;
  }

 private:
  void comma() {
    out_ += first_ ? "" : ",";
    first_ = false;
  }
  void key(std::string_view name) {
    comma();
    json::append_string(name, out_);
    out_ += ':';
  }
  template <class Body>
  void enclosed(char open, char close, Body& body) {
    out_ += open;
    first_ = true;
    body();
    out_ += close;
    first_ = false;
  }

  std::string out_;
  bool first_ = true;
};

}  // namespace dsl::transcode
