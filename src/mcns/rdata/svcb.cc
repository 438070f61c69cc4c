#include "mcns/rdata/svcb.h"

#include <algorithm>
#include <vector>

#include "mcns/rdata/encodings.h"
#include "mcns/rdata/svcb_keys.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::uint16_t kInvalidKey = 65535;  // section 14.3.2

struct Parameter {
  std::uint16_t key = 0;
  Bytes value;
  std::size_t word = 0;  // where it stands
};

// Calls use(key, value) for each of framed parameters.
template <class Use>
void each_parameter(BytesView wire, Use&& use) {
  while (!wire.empty()) {
    const std::size_t size = get16(wire, 2);
    use(get16(wire, 0), wire.substr(4, size));
    wire.remove_prefix(4 + size);
  }
}

// RFC 9460 section 2.1: SvcParam = SvcParamKey ["=" SvcParamValue], the value perhaps in quotes.
Result<Parameter> read_parameter(const Token& word) {
  const std::size_t equals = word.raw.find('=');
  const std::string_view name = word.raw.substr(0, equals);
  const auto key = parse_svc_key(name);
  if (!key || word.quoted) {
    return fail(Code::kInvalidArgument, "\"{}\" is no parameter", name.substr(0, 60))
        .hint(
            "mandatory, alpn, no-default-alpn, port, ipv4hint, ech, ipv6hint, dohpath, ohttp, or "
            "key667 for one without a name");
  }
  std::string_view value;
  if (equals != std::string_view::npos) {
    value = word.raw.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
  }
  // Looked at again with the others, whatever the text said.
  auto wire = read_svc_value(*key, unescape(value));
  if (!wire || !is_svc_value(*key, *wire)) {
    return fail(Code::kInvalidArgument, "\"{}\" is no value of {}: it has {}", value.substr(0, 60),
                name, allowed_svc_value(*key));
  }
  if (wire->size() > 65535) {
    return fail(Code::kInvalidArgument, "the value of {} has more than 65535 octets", name);
  }
  return Parameter{.key = *key, .value = std::move(*wire)};
}

// RFC 9460 section 8.
template <class Has>
Result<void> check_mandatory(BytesView keys, Has&& has) {
  for (std::size_t at = 0; at < keys.size(); at += 2) {
    if (!has(get16(keys, at))) {
      return fail(Code::kInvalidArgument, "{} is mandatory, but not there",
                  svc_key_text(get16(keys, at)));
    }
  }
  return {};
}

}  // namespace

Result<Bytes> read_parameters(std::span<const Token> words, std::size_t& word) {
  std::vector<Parameter> parameters;
  for (; word < words.size(); ++word) {
    MC_ASSIGN(Parameter parameter, read_parameter(words[word]));
    parameter.word = word;
    parameters.push_back(std::move(parameter));
  }
  std::stable_sort(parameters.begin(), parameters.end(),
                   [](const Parameter& a, const Parameter& b) { return a.key < b.key; });
  const auto twice =
      std::adjacent_find(parameters.begin(), parameters.end(),
                         [](const Parameter& a, const Parameter& b) { return a.key == b.key; });
  if (twice != parameters.end()) {
    word = std::next(twice)->word;
    return fail(Code::kInvalidArgument, "the parameter {} is there twice",
                svc_key_text(twice->key));
  }
  Bytes wire;
  for (const Parameter& parameter : parameters) {
    put16(wire, parameter.key);
    put16(wire, parameter.value.size());
    wire += parameter.value;
  }
  return wire;
}

bool are_parameters_framed(BytesView wire) {
  int before = -1;
  while (!wire.empty()) {
    if (wire.size() < 4 || get16(wire, 0) <= before || wire.size() - 4 < get16(wire, 2)) {
      return false;
    }
    before = get16(wire, 0);
    wire.remove_prefix(4U + get16(wire, 2));
  }
  return true;
}

Result<void> check_parameters(BytesView wire) {
  std::vector<std::uint16_t> keys;  // in order, since the parameters are
  each_parameter(wire, [&keys](std::uint16_t key, BytesView) { keys.push_back(key); });
  const auto has = [&keys](std::uint16_t key) {
    return std::binary_search(keys.begin(), keys.end(), key);
  };
  Result<void> outcome;
  each_parameter(wire, [&](std::uint16_t key, BytesView value) {
    if (!outcome) {
      return;
    }
    if (key == kInvalidKey || !is_svc_value(key, value)) {
      outcome = fail(Code::kInvalidArgument, "the value of {} is none: it has {}",
                     svc_key_text(key), allowed_svc_value(key));
    } else if (key == kMandatory) {
      outcome = check_mandatory(value, has);
    } else if (key == kNoDefaultAlpn && !has(kAlpn)) {
      // RFC 9460 section 7.1.1.
      outcome = fail(Code::kInvalidArgument, "no-default-alpn without alpn leaves no protocol");
    }
  });
  return outcome;
}

void append_parameters(std::string& out, BytesView wire) {
  each_parameter(wire, [&out](std::uint16_t key, BytesView value) {
    out += ' ';
    out += svc_key_text(key);
    append_svc_value(out, key, value);
  });
}

}  // namespace mcns
