// The pidfd_ calls of the C library: glibc 2.36 declares them without C linkage.
#pragma once

extern "C" {
#include <sys/pidfd.h>
}
