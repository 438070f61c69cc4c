#include "dsl/env/env.h"
#include "mcp/cli/app.h"

int main(int argc, char** argv) { return mcp::cli::run(dsl::env::system_env(), argc, argv); }
