// The content that tests of the store use, for those of unixfs.
#pragma once

#include "tests/store/bytes.hpp"

namespace masu::unixfs::test {

using store::test::ByteStream;
using store::test::from_hex;
using store::test::to_hex;

}  // namespace masu::unixfs::test
