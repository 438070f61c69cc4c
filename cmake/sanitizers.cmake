# MC_SANITIZE: empty, "address" (address + undefined) or "thread".
set(MC_SANITIZE "" CACHE STRING "Sanitizer of this build: address, thread or none")
if(MC_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(MC_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()
