#include "queries.h"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>

#include "loads.h"

namespace bench {
namespace {

const std::map<std::string_view, std::uint16_t> kTypes = {
    {"A", 1}, {"NS", 2}, {"CNAME", 5}, {"SOA", 6}, {"MX", 15}, {"TXT", 16}, {"AAAA", 28}};

}  // namespace

Queries::Queries(const std::string& path) {
  std::ifstream lines(path);
  for (std::string name, type; lines >> name >> type;) {
    add(name, type);
  }
  if (offsets_.size() == 1) {
    die("no questions in " + path);
  }
}

void Queries::add(std::string_view name, std::string_view type) {
  const auto put16 = [this](unsigned value) {
    octets_.push_back(static_cast<char>(value >> 8U));
    octets_.push_back(static_cast<char>(value));
  };
  for (const unsigned field : {0U, 0x100U, 1U, 0U, 0U, 1U}) {  // ID, RD, counts of the sections
    put16(field);
  }
  while (!name.empty() && name != ".") {
    const std::string_view label = name.substr(0, name.find('.'));
    octets_.push_back(static_cast<char>(label.size()));
    octets_.insert(octets_.end(), label.begin(), label.end());
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  octets_.push_back('\0');
  put16(kTypes.at(type));
  put16(1);
  octets_.push_back('\0');  // OPT: 1232 octets, no flags, no options
  for (const unsigned field : {41U, 1232U, 0U, 0U, 0U}) {
    put16(field);
  }
  offsets_.push_back(octets_.size());
}

}  // namespace bench
