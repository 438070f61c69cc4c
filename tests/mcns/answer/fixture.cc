#include "mcns/answer/fixture.h"

#include <algorithm>
#include <sstream>

#include "dsl/result/result.h"
#include "mcns/rdata/rdata.h"

namespace mcns::test {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

Result<void> read_option(const std::string& word, Asked& asked) {
  if (word.rfind("edns=", 0) == 0) {
    asked.edns_size = static_cast<std::uint16_t>(std::stoi(word.substr(5)));
  } else if (word == "tcp") {
    asked.client.stream = true;
  } else if (word == "rd") {
    asked.recursion_desired = true;
  } else if (word == "recurse") {
    asked.client.may_recurse = true;
  } else if (word == "do") {
    asked.dnssec_ok = true;
  } else {
    return fail(Code::kInvalidArgument, "no option \"{}\"", word);
  }
  return {};
}

Result<void> read_query(std::istream& words, Asked& asked) {
  std::string name;
  std::string type;
  words >> name >> type;
  MC_ASSIGN(asked.question.name, Name::parse(name));
  const auto number = parse_type(type);
  if (!number) {
    return fail(Code::kInvalidArgument, "no type \"{}\"", type);
  }
  asked.question.type = *number;
  for (std::string word; words >> word;) {
    MC_TRY(read_option(word, asked));
  }
  return {};
}

Result<void> read_expect(std::istream& words, FixtureCase& each) {
  std::string rcode;
  words >> rcode;
  const auto number = parse_rcode(rcode);
  if (!number) {
    return fail(Code::kInvalidArgument, "no rcode \"{}\"", rcode);
  }
  each.rcode = *number;
  for (std::string word; words >> word;) {
    each.flags[word.substr(0, 2)] = word.substr(2) == "=1";
  }
  return {};
}

Result<ExpectedRecord> read_record(std::istream& words) {
  ExpectedRecord record;
  std::string owner;
  std::string word;
  words >> owner >> word;
  MC_ASSIGN(record.owner, Name::parse(owner));
  if (!word.empty() &&
      std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c) != 0; })) {
    record.ttl = static_cast<std::uint32_t>(std::stoul(word));
    words >> word;
  }
  const auto type = parse_type(word);
  if (!type) {
    return fail(Code::kInvalidArgument, "no type \"{}\"", word);
  }
  record.type = *type;
  std::string data;
  std::getline(words, data);
  MC_ASSIGN(const Bytes rdata, rdata_from_text(record.type, data, Name()));
  record.rdata = canonical_rdata(record.type, rdata);
  return record;
}

Result<void> read_line(const std::string& line, int number, Fixture& fixture) {
  std::istringstream words(line);
  std::string key;
  words >> key;
  if (key.empty() || key[0] == '#') {
    return {};
  }
  if (key == "zone") {
    std::string origin;
    std::string equals;
    std::string file;
    words >> origin >> equals >> file;
    MC_ASSIGN(const Name name, Name::parse(origin));
    fixture.zones.emplace_back(name, file);
    return {};
  }
  if (key == "query") {
    fixture.cases.emplace_back().line = number;
    return read_query(words, fixture.cases.back().asked);
  }
  if (fixture.cases.empty()) {
    return fail(Code::kInvalidArgument, "\"{}\" stands before any query", key);
  }
  FixtureCase& each = fixture.cases.back();
  if (key == "expect") {
    return read_expect(words, each);
  }
  if (key == "any") {
    for (std::string section; words >> section;) {
      each.any.insert(section);
    }
    return {};
  }
  if (key != "answer" && key != "auth" && key != "extra") {
    return fail(Code::kInvalidArgument, "no keyword \"{}\"", key);
  }
  MC_ASSIGN(const ExpectedRecord record, read_record(words));
  each.sections[key].push_back(record);
  return {};
}

bool is(const ExpectedRecord& expected, const Record& record) {
  return expected.owner == record.name && expected.type == record.type &&
         (!expected.ttl || *expected.ttl == record.ttl) &&
         expected.rdata == canonical_rdata(record.type, record.rdata);
}

std::string text_of(const Name& owner, std::optional<std::uint32_t> ttl, Type type,
                    BytesView rdata) {
  return dsl::text("{} {}{} {}", owner.text(), ttl ? dsl::text("{} ", *ttl) : std::string(),
                   mcns::text(type), rdata_text(type, rdata));
}

std::string section_difference(const std::string& name, const std::vector<ExpectedRecord>& expected,
                               std::vector<Record> records) {
  std::string out;
  for (const ExpectedRecord& each : expected) {
    const auto found = std::find_if(records.begin(), records.end(),
                                    [&](const Record& record) { return is(each, record); });
    if (found == records.end()) {
      out +=
          dsl::text("missing {}: {}\n", name, text_of(each.owner, each.ttl, each.type, each.rdata));
    } else {
      records.erase(found);
    }
  }
  for (const Record& record : records) {
    out += dsl::text("not expected {}: {}\n", name,
                     text_of(record.name, record.ttl, record.type, record.rdata));
  }
  return out;
}

}  // namespace

Result<Fixture> parse_fixture(std::string_view text) {
  Fixture fixture;
  std::istringstream lines{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (auto read = read_line(line, number, fixture); !read) {
      return tl::unexpected(read.error().add_context(dsl::text("line {}", number)));
    }
  }
  return fixture;
}

std::string difference(const FixtureCase& expected, const Message& message) {
  std::string out;
  if (message.rcode != expected.rcode) {
    out += dsl::text("rcode {}, expected {}\n", text(message.rcode), text(expected.rcode));
  }
  const std::map<std::string, bool> flags{{"aa", message.authoritative},
                                          {"tc", message.truncated},
                                          {"ra", message.recursion_available}};
  for (const auto& [name, value] : expected.flags) {
    if (flags.at(name) != value) {
      out += dsl::text("{} is {}\n", name, flags.at(name));
    }
  }
  const std::map<std::string, const std::vector<Record>*> sections{{"answer", &message.answers},
                                                                   {"auth", &message.authorities},
                                                                   {"extra", &message.additionals}};
  for (const auto& [name, records] : sections) {
    if (!expected.any.contains(name)) {
      const auto said = expected.sections.find(name);
      out += section_difference(
          name, said == expected.sections.end() ? std::vector<ExpectedRecord>() : said->second,
          *records);
    }
  }
  return out;
}

}  // namespace mcns::test
