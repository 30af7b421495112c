#include "net/connection_stream.hpp"

#include "net/session.hpp"

namespace masu::net {

const PeerId& ConnectionStream::peer() const { return session_.peer(); }
std::size_t ConnectionStream::write(Bytes bytes) { return session_.write(*this, bytes); }
void ConnectionStream::want_write() { session_.want_write(*this); }
void ConnectionStream::close_write() { session_.close_write(*this); }
void ConnectionStream::reset() { session_.reset(*this); }
void ConnectionStream::release() { session_.release(*this); }
void ConnectionStream::resume_reading() { session_.resume_reading(*this); }

}  // namespace masu::net
