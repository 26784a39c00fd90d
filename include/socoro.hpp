// SPDX-License-Identifier: BSL-1.0
// socoro: Socket.IO for C++20 coroutines. This header brings everything but the opt-in parts.
// Include <socoro/src.hpp> in exactly one translation unit, or link libboost_json.
#pragma once

#include <socoro/client.hpp>
#include <socoro/server.hpp>
#include <socoro/static_files.hpp>
