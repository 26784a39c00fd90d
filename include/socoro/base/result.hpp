// SPDX-License-Identifier: BSL-1.0
// A value or an error code. What incoming bytes can cause is reported this way, never thrown.
#pragma once

#include <socoro/base/error.hpp>

#include <boost/system/result.hpp>

#include <system_error>

namespace socoro {

/// Either a `T` or the `std::error_code` that says why there is none.
/// `value()` throws `std::system_error`; `operator*` is for results already tested.
template <typename T>
using result = boost::system::result<T, std::error_code>;

}  // namespace socoro
