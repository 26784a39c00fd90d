#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# The quick way to one room's tests, as CONTRIBUTING.md shows it.
set -euo pipefail
cd "$(dirname "$0")/../.."

# [room]
meson setup build-mine --buildtype=plain -Doptimization=0 -Dcpp_args=-g1 \
    -Db_sanitize=address,undefined -Db_lundef=false
ninja -C build-mine tests/test_http
build-mine/tests/test_http --test-case='http/query*'
# [/room]
