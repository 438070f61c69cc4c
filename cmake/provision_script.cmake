# Writes OUT, which holds SCRIPT with the files of UNITS in it, between its marks, so that it needs
# nothing beside itself.
set(cases "")
# Those that a node has; a service's own units are for who runs it without an agent.
file(GLOB units "${UNITS}/mcp-*.service" "${UNITS}/mcp-*.timer")
list(SORT units)
foreach(unit IN LISTS units)
  get_filename_component(name "${unit}" NAME)
  file(READ "${unit}" content)
  string(APPEND cases "    ${name})\n      cat <<'END_OF_UNIT'\n${content}END_OF_UNIT\n      ;;\n")
endforeach()

file(READ "${SCRIPT}" script)
set(begin_mark "# units: begin\n")
set(end_mark "# units: end\n")
string(FIND "${script}" "${begin_mark}" begin)
string(FIND "${script}" "${end_mark}" end)
if(begin EQUAL -1 OR end LESS begin)
  message(FATAL_ERROR "${SCRIPT} has no place for the units: ${begin_mark}...${end_mark}")
endif()
string(SUBSTRING "${script}" 0 ${begin} before)
string(LENGTH "${end_mark}" size)
math(EXPR end "${end} + ${size}")
string(SUBSTRING "${script}" ${end} -1 after)
set(script "${before}print_unit() {\n  case \"$1\" in\n${cases}  esac\n}\n${after}")

file(WRITE "${OUT}" "#include \"mcp/cli/provision_script.h\"

namespace mcp::cli {

std::string_view provision_script() { return R\"provision(${script})provision\"; }

}  // namespace mcp::cli
")
