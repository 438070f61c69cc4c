// Whether a container is what a component asks for, by its settings. For containers that carry no
// label of ours. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mcp/model/model.h"
#include "mcp/runtime/runtime.h"

namespace mcp::boot {

// Image, command, user, network, ports, mounts, restart policy and environment: each field that
// differs. `container` must come from `inspect`. What the component leaves to the image is not
// compared; variables and networks that the container has beyond those asked for do not count.
std::vector<model::FieldDifference> compare_settings(const model::Component& component,
                                                     const std::vector<model::Port>& ports,
                                                     const runtime::Container& container);

// One spelling for references that short names may mean: "mcq", "localhost/mcq:latest" and
// "docker.io/library/mcq:latest" all give "mcq:latest".
std::string normal_reference(std::string_view reference);

}  // namespace mcp::boot
