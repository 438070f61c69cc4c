#include "mcns/api/fields.h"

#include <algorithm>
#include <array>

namespace mcns::api {

using dsl::Code;
using dsl::Error;
using dsl::fail;

namespace {

bool is_question_only(Type type) {
  // RFC 6895 section 3.1: 128 to 255 are for questions and for what belongs to a message.
  const auto number = static_cast<std::uint16_t>(type);
  return type == Type::kOpt || (number >= 128 && number <= 255) || number == 0;
}

// Where the domain of a mail address begins: at the first "@" that is not escaped, as in a name.
std::size_t separator_of(std::string_view text) {
  std::size_t at = text.find('@');
  while (at != std::string_view::npos && at > 0 && text[at - 1] == '\\') {
    at = text.find('@', at + 1);
  }
  return at;
}

constexpr const char* kNameHint =
    "labels of 1 to 63 octets with dots between them, for example www.example.test";

struct Example {
  Type type;
  const char* value;
};
constexpr std::array<Example, 10> kExamples{{{Type::kA, "192.0.2.1"},
                                             {Type::kAaaa, "2001:db8::1"},
                                             {Type::kCname, "www.example.test."},
                                             {Type::kAlias, "www.example.test."},
                                             {Type::kNs, "ns1.example.test."},
                                             {Type::kPtr, "www.example.test."},
                                             {Type::kMx, "10 mail.example.test."},
                                             {Type::kTxt, "\"v=spf1 -all\""},
                                             {Type::kSrv, "10 5 443 www.example.test."},
                                             {Type::kCaa, "0 issue \"ca.example.test\""}}};

std::string example_of(Type type) {
  const auto* const known = std::find_if(kExamples.begin(), kExamples.end(),
                                         [&](const Example& row) { return row.type == type; });
  return known == kExamples.end() ? "as a zone file has it, or \\# with its length and octets"
                                  : dsl::text("for example {}", known->value);
}

// What an error of the libraries below lacks: they know what is wrong, and not who asks.
Error hinted(Error error, std::string hint) {
  if (error.hint().empty()) {
    error.set_hint(std::move(hint));
  }
  return error;
}

}  // namespace

Error at_field(const Error& error, const std::string& where) {
  Error out(error.code(), dsl::text("{}: {}", where, error.message()));
  out.set_hint(error.hint());
  out.set_id(error.id());
  out.add_detail(where, error.message());
  for (const dsl::Detail& detail : error.details()) {
    out.add_detail(dsl::text("{}.{}", where, detail.where), detail.message);
  }
  return out;
}

Result<Name> absolute_name(std::string_view text, const std::string& where) {
  return host_name(text, Name(), where);
}

Result<Name> host_name(std::string_view text, const Name& zone, const std::string& where) {
  Result<Name> name = Name::parse(text, &zone);
  return name ? std::move(name)
              : tl::unexpected(at_field(hinted(std::move(name).error(), kNameHint), where));
}

Result<Name> name_in_zone(std::string_view text, const Name& zone, const std::string& where) {
  Result<Name> name = host_name(text, zone, where);
  if (!name) {
    return name;
  }
  if (!name->is_within(zone)) {
    return tl::unexpected(
        at_field(fail(Code::kInvalidArgument, "{} is not in the zone {}", name->text(), zone.text())
                     .hint(dsl::text("a name below it, such as www or www.{}", zone.text())),
                 where));
  }
  return name;
}

Result<Type> record_type(std::string_view text, const std::string& where) {
  const std::optional<Type> type = parse_type(text);
  if (!type) {
    return tl::unexpected(
        at_field(fail(Code::kInvalidArgument, "\"{}\" is no type of records", text)
                     .hint("A, AAAA, CNAME, TXT, MX, SRV, ... or TYPE65280 for one without a name"),
                 where));
  }
  if (*type == Type::kSoa) {
    return tl::unexpected(at_field(fail(Code::kInvalidArgument, "a zone has one SOA, its own")
                                       .hint("mcns zone update changes its fields"),
                                   where));
  }
  if (is_question_only(*type)) {
    return tl::unexpected(at_field(
        fail(Code::kInvalidArgument, "{} is asked for, and never stored", mcns::text(*type))
            .hint("A, AAAA, CNAME, TXT, MX, SRV, ..."),
        where));
  }
  return *type;
}

Result<Bytes> record_value(Type type, std::string_view text, const Name& zone,
                           const std::string& where) {
  Result<Bytes> rdata = rdata_from_text(type, text, zone);
  return rdata
             ? std::move(rdata)
             : tl::unexpected(at_field(hinted(std::move(rdata).error(), example_of(type)), where));
}

std::optional<std::string> relative_name_warning(Type type, std::string_view text,
                                                 const Name& zone) {
  const Result<std::vector<Word>> words = split_words(text);
  const Result<Bytes> rdata = rdata_from_text(type, text, zone);
  if (!words || !rdata) {
    return std::nullopt;
  }
  for (const NameInside& inside : names_inside(type, *rdata)) {
    const Result<Name> name = Name::from_wire(BytesView(*rdata).substr(inside.offset, inside.size));
    if (!name) {
      continue;
    }
    for (const Word& word : *words) {
      const Result<Name> as_written = Name::parse(word.raw);
      const bool dotted = as_written && as_written->label_count() > 1 && !word.raw.ends_with('.');
      const Result<Name> completed = Name::parse(word.raw, &zone);
      if (dotted && completed && *completed == *name) {
        return dsl::text("{} was taken as {}: a final dot makes a name absolute", word.raw,
                         name->text());
      }
    }
  }
  return std::nullopt;
}

Result<Name> mailbox_name(std::string_view text, const std::string& where) {
  const std::size_t at = separator_of(text);
  if (at == std::string_view::npos) {
    return absolute_name(text, where);
  }
  if (at == 0 || at + 1 == text.size()) {
    return tl::unexpected(at_field(fail(Code::kInvalidArgument, "\"{}\" is no mail address", text)
                                       .hint("hostmaster@example.test"),
                                   where));
  }
  Result<Name> domain = absolute_name(text.substr(at + 1), where);
  if (!domain) {
    return domain;
  }
  Result<Name> name = domain->child(text.substr(0, at));
  return name ? std::move(name)
              : tl::unexpected(
                    at_field(hinted(std::move(name).error(), "hostmaster@example.test"), where));
}

std::string mailbox_text(const Name& name) {
  const std::string_view local = name.first_label();
  const bool plain = !local.empty() && std::all_of(local.begin(), local.end(), [](char c) {
    return c > ' ' && c < 127 && c != '@' && c != '\\';
  });
  if (!plain || name.label_count() < 2) {
    return name.text();
  }
  return dsl::text("{}@{}", local, zone_text(name.parent()));
}

std::string zone_text(const Name& zone) {
  std::string text = zone.text();
  if (text.size() > 1) {
    text.pop_back();
  }
  return text;
}

}  // namespace mcns::api
