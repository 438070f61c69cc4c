// What `mcp image` prints. Pure.
#pragma once

#include <string>

#include "dsl/cli/cli.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

namespace pb = mcp::v1;
using dsl::cli::Globals;

// image ls
std::string images_table(const Globals& globals, const pb::ListImagesReply& reply);
// image save, image load: how it went for one image, without a line break.
std::string image_line(const Globals& globals, const pb::ImageResult& image);

}  // namespace mcp::cli
