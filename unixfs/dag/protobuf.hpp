// The protobuf wire format of store/dag/protobuf.hpp, under the names of this folder.
#pragma once

#include "store/dag/protobuf.hpp"

namespace masu::unixfs {

using store::ByteBuffer;
namespace protobuf = store::protobuf;

}  // namespace masu::unixfs
