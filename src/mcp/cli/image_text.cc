#include "mcp/cli/image_text.h"

#include "mcp/cli/format.h"

namespace mcp::cli {

using dsl::text;
using dsl::cli::Paint;
using dsl::cli::Table;

namespace {

constexpr std::size_t kIdShown = 12;

std::string or_dash(const std::string& word) { return word.empty() ? "-" : word; }

std::string short_id(const std::string& id) { return or_dash(id.substr(0, kIdShown)); }

std::string archive_cell(const Globals& globals, const pb::ImageState& image) {
  if (image.archive().empty()) {
    return "-";
  }
  const std::string& state = image.archive_state();
  if (state == "same") {
    return image.archive();
  }
  return text("{} ({})", image.archive(),
              paint(globals, state == "only" ? Paint::kDim : Paint::kWarn, state));
}

std::string used_by(const pb::ImageState& image) {
  std::string out;
  for (const std::string& user : image.used_by()) {
    out += (out.empty() ? "" : ", ") + user;
  }
  return or_dash(out);
}

}  // namespace

std::string images_table(const Globals& globals, const pb::ListImagesReply& reply) {
  Table table({{"IMAGE"},
               {.title = "SIZE", .right = true},
               {"STORE"},
               {"STAGE"},
               {"USED BY"},
               {"ARCHIVE"},
               {.title = "ID", .wide = true},
               {.title = "DIGEST", .wide = true}});
  const bool wide = globals.output == dsl::cli::Output::kWide;
  for (const pb::ImageState& image : reply.images()) {
    table.add({or_dash(wide ? image.reference() : short_image(image.reference())),
               image.size_bytes() == 0
                   ? "-"
                   : dsl::cli::size_text(static_cast<std::uint64_t>(image.size_bytes())),
               image.in_store() ? "yes" : "no", or_dash(image.stage()), used_by(image),
               archive_cell(globals, image), short_id(image.id()), or_dash(image.digest())});
  }
  return table.render(globals);
}

std::string image_line(const Globals& globals, const pb::ImageResult& image) {
  const std::string name = image.reference().empty() ? image.id() : image.reference();
  if (image.action() == "saved") {
    return text("{} {} as {}, {}", paint(globals, Paint::kGood, "saved"), name, image.archive(),
                dsl::cli::size_text(static_cast<std::uint64_t>(image.size_bytes())));
  }
  if (image.action() == "same") {
    return text("{} {} is there already: {}", paint(globals, Paint::kDim, "same"), name,
                image.archive());
  }
  if (image.action() == "loaded") {
    return text("{} {}", paint(globals, Paint::kGood, "loaded"), name);
  }
  return text("would {} {} {} {}", image.size_bytes() > 0 ? "save" : "load", name,
              image.size_bytes() > 0 ? "as" : "from", image.archive());
}

}  // namespace mcp::cli
