// SPDX-License-Identifier: BSL-1.0
// Include in exactly one translation unit: it compiles Boost.JSON, which socoro uses, into the
// program. Leave it out when you link libboost_json.
#pragma once

#include <socoro/base/config.hpp>

#include <boost/json/src.hpp>
