// Tar members as bytes: headers as Go's archive/tar writes them, so that an archive of Kubo's `get` and one
// of ours are the same bytes for the same content and times.
//
// The caller appends a header, then the file's bytes and its padding, and the end after the last member.
#pragma once

#include "unixfs/tar/tar_format.hpp"

namespace masu::unixfs::tar {

enum class Format : std::uint8_t {
  any,  // times rounded to seconds; PAX records only where a field needs one (`get --archive`)
  pax,  // times kept to the nanosecond (`get`)
};

// Appends the header of a member, with its PAX record in front when it needs one. An error: a path or target
// that tar cannot hold.
Result<> put_header(ByteBuffer& out, const Entry& entry, Format format);
void put_end(ByteBuffer& out);

}  // namespace masu::unixfs::tar
