#include "mcp/model/json_fields.h"

#include <charconv>
#include <cmath>
#include <concepts>
#include <limits>
#include <type_traits>

#include <boost/json/value.hpp>

#include "mcp/model/codes.h"
#include "mcp/model/fields.h"

namespace mcp::model {

namespace {

namespace json = boost::json;

// Beyond this an integer is written as a string: not exact in every JSON reader (RFC 7493).
constexpr std::int64_t kExactMax = (std::int64_t{1} << 53) - 1;

template <class T>
concept HasFields = std::same_as<T, Port> || std::same_as<T, Socket> || std::same_as<T, Volume> ||
    std::same_as<T, Route> || std::same_as<T, SecretUse> || std::same_as<T, Health> ||
    std::same_as<T, Component> || std::same_as<T, Service> || std::same_as<T, Allocation>;

// Fields that came after the first specifications were stored. They are left out when empty: what
// does not use them keeps its identity, and no container is made anew for the agent's sake.
bool is_later_field(std::string_view name) { return name == "sockets" || name == "sockets_dir"; }

bool is_empty(const json::value& value) {
  return (value.is_string() && value.get_string().empty()) ||
         (value.is_array() && value.get_array().empty());
}

// --- writing ---

json::value write(const std::string& text) { return json::value(json::string(text)); }
json::value write(const std::pair<std::string, std::string>& pair) {
  return json::array{write(pair.first), write(pair.second)};
}
template <std::integral T>
json::value write(T number) {
  if constexpr (std::same_as<T, bool>) {
    return json::value(number);
  } else if constexpr (std::is_unsigned_v<T>) {
    return std::uint64_t{number} > static_cast<std::uint64_t>(kExactMax)
               ? write(std::to_string(number))
               : json::value(static_cast<std::int64_t>(number));
  } else {
    return std::int64_t{number} > kExactMax || std::int64_t{number} < -kExactMax
               ? write(std::to_string(number))
               : json::value(static_cast<std::int64_t>(number));
  }
}
json::value write(double number) {
  // A whole number must read back as it was printed, and it is printed without a point.
  if (std::trunc(number) == number && std::abs(number) <= static_cast<double>(kExactMax)) {
    return json::value(static_cast<std::int64_t>(number));
  }
  return json::value(number);
}
json::value write(std::chrono::milliseconds duration) {
  return write(std::int64_t{duration.count()});
}
json::value write(const std::map<std::string, std::string>& map) {
  json::object object;
  for (const auto& [key, value] : map) {
    object[key] = write(value);
  }
  return object;
}
template <HasFields T>
json::value write(const T& value);
template <class T>
json::value write(const std::vector<T>& list) {
  json::array array;
  array.reserve(list.size());
  for (const T& item : list) {
    array.push_back(write(item));
  }
  return array;
}
json::value write(const std::optional<std::vector<std::string>>& list) {
  return list ? write(*list) : json::value(nullptr);
}
template <HasFields T>
json::value write(const T& value) {
  json::object object;
  visit_fields(value, [&](const char* name, const auto& field) {
    json::value written = write(field);
    if (!is_later_field(name) || !is_empty(written)) {
      object[name] = std::move(written);
    }
  });
  return object;
}

// --- reading: the first fault is kept with its path ---

class Reader {
 public:
  const std::string& fault() const { return fault_; }

  void read(const json::value& in, std::string& out) {
    if (!in.is_string()) {
      return refuse("a string");
    }
    out = std::string(in.get_string());
  }
  void read(const json::value& in, bool& out) {
    if (!in.is_bool()) {
      return refuse("true or false");
    }
    out = in.get_bool();
  }
  template <std::integral T>
  void read(const json::value& in, T& out) {
    if (in.is_int64() && std::in_range<T>(in.get_int64())) {
      out = static_cast<T>(in.get_int64());
    } else if (in.is_uint64() && std::in_range<T>(in.get_uint64())) {
      out = static_cast<T>(in.get_uint64());
    } else if (in.is_string()) {
      const json::string& text = in.get_string();
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
      if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
        refuse("an integer");
      }
    } else {
      refuse("an integer");
    }
  }
  void read(const json::value& in, double& out) {
    if (in.is_int64()) {
      out = static_cast<double>(in.get_int64());
    } else if (in.is_double() && std::abs(in.get_double()) < 1e12) {
      // Boost.JSON 1.81 may miss the last bit; resolve keeps thousandths, which restores it.
      out = std::round(in.get_double() * 1000) / 1000;
    } else {
      refuse("a number");
    }
  }
  void read(const json::value& in, std::chrono::milliseconds& out) {
    std::int64_t count = 0;
    read(in, count);
    out = std::chrono::milliseconds(count);
  }
  void read(const json::value& in, std::pair<std::string, std::string>& out) {
    if (!in.is_array() || in.get_array().size() != 2) {
      return refuse("a pair");
    }
    read(in.get_array()[0], out.first);
    read(in.get_array()[1], out.second);
  }
  void read(const json::value& in, std::map<std::string, std::string>& out) {
    if (!in.is_object()) {
      return refuse("an object");
    }
    for (const auto& member : in.get_object()) {
      read(member.value(), out[std::string(member.key())]);
    }
  }
  template <class T>
  void read(const json::value& in, std::vector<T>& out) {
    if (!in.is_array()) {
      return refuse("an array");
    }
    out.resize(in.get_array().size());
    for (std::size_t i = 0; i < out.size() && fault_.empty(); ++i) {
      const Step step(*this, "[" + std::to_string(i) + "]");
      read(in.get_array()[i], out[i]);
    }
  }
  void read(const json::value& in, std::optional<std::vector<std::string>>& out) {
    if (in.is_null()) {
      out.reset();
    } else {
      read(in, out.emplace());
    }
  }
  template <HasFields T>
  void read(const json::value& in, T& out) {
    if (!in.is_object()) {
      return refuse("an object");
    }
    const json::object& object = in.get_object();
    std::size_t known = 0;
    visit_fields(out, [&](const char* name, auto& field) {
      const Step step(*this, std::string(".") + name);
      const json::value* value = object.if_contains(name);
      if (value == nullptr) {
        return is_later_field(name) ? void() : refuse("there");
      }
      ++known;
      read(*value, field);
    });
    if (fault_.empty() && known != object.size()) {
      refuse("without unknown fields");
    }
  }

 private:
  // Keeps the path true while it lives.
  class Step {
   public:
    Step(Reader& reader, const std::string& part) : reader_(reader), size_(reader.path_.size()) {
      reader_.path_ += part;
    }
    ~Step() { reader_.path_.resize(size_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Reader& reader_;
    std::size_t size_;
  };

  void refuse(std::string_view expected) {
    if (fault_.empty()) {
      fault_ =
          dsl::text("{} must be {}", path_.empty() ? "the document" : path_.substr(1), expected);
    }
  }

  std::string path_;
  std::string fault_;
};

template <class T>
dsl::Result<T> read_as(const json::value& in) {
  T out;
  Reader reader;
  reader.read(in, out);
  if (!reader.fault().empty()) {
    return dsl::fail(dsl::Code::kInvalidArgument, "specification: {}", reader.fault())
        .id(code::kSpecUnreadable);
  }
  return out;
}

}  // namespace

json::value to_json(const Service& service) { return write(service); }
json::value to_json(const Component& component) { return write(component); }
json::value to_json(const std::vector<Allocation>& ports) { return write(ports); }

dsl::Result<Service> service_from(const json::value& in) { return read_as<Service>(in); }
dsl::Result<std::vector<Allocation>> allocations_from(const json::value& in) {
  return read_as<std::vector<Allocation>>(in);
}

}  // namespace mcp::model
