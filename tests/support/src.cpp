// SPDX-License-Identifier: BSL-1.0
#include <socoro/src.hpp>
