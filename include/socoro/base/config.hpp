// SPDX-License-Identifier: BSL-1.0
// Version and language requirements, checked before anything else is compiled.
#pragma once

#define SOCORO_VERSION_MAJOR 0
#define SOCORO_VERSION_MINOR 1
#define SOCORO_VERSION_PATCH 0

#if __cplusplus < 202002L
#error "socoro needs C++20: compile with -std=c++20"
#endif
#if !defined(__cpp_exceptions) && !defined(__EXCEPTIONS)
#error "socoro reports errors of coroutines as exceptions: compile without -fno-exceptions"
#endif
