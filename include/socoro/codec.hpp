// SPDX-License-Identifier: BSL-1.0
// Between C++ values and the arguments of events: JSON with binary attachments. This header brings
// both directions; what a JavaScript peer sees of each type:
//
//   bool, integers, double          boolean, number (exact up to 2^53); null for NaN and infinity
//   std::string, std::string_view   string, in UTF-8
//   bytes                           Buffer, ArrayBuffer or Blob, as an attachment
//   std::chrono::sys_time<D>        string: a Date's text, to the millisecond and rounded down
//   std::vector, list, set ...      array
//   std::tuple, pair, array         array of that length
//   std::map<std::string, T> ...    object, as other maps with these keys
//   described structures            object, with the members of bases, without empty optionals
//   described enumerations          string: the name
//   std::optional<T>                T or null
//   std::variant<A, B ...>          whichever it holds; read as the first that fits
//   std::monostate, nullptr         null
//   json::value, object ...         as it is
//
// Structures and enumerations are described with BOOST_DESCRIBE_STRUCT and BOOST_DESCRIBE_ENUM.
#pragma once

#include <socoro/codec/types.hpp>
#include <socoro/codec/value_reader.hpp>
#include <socoro/codec/value_writer.hpp>
