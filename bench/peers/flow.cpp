#include "bench/peers/flow.hpp"

#include <utility>

namespace masu::peers {

void Flow::send(std::string_view bytes) {
  out_ += bytes;
  if (stream_ != nullptr) stream_->want_write();
}

void Flow::finish() {
  finishing_ = true;
  if (stream_ != nullptr) stream_->want_write();
}

void Flow::reset() {
  if (stream_ == nullptr) return;
  std::exchange(stream_, nullptr)->reset();
  on_gone(net::StreamEnd::timed_out);
  owner_.on_flow_ended(*this);
}

void Flow::on_open(net::Stream& stream) {
  stream_ = &stream;
  stream.want_write();
}

std::size_t Flow::on_data(net::Stream&, Bytes bytes) {
  take(bytes);
  return bytes.size();
}

void Flow::on_writable(net::Stream& stream) {
  const bool sends = unsent() != 0;
  while (unsent() != 0) {
    const std::size_t taken = stream.write(as_bytes(std::string_view(out_).substr(sent_)));
    if (taken == 0) return;
    sent_ += taken;
  }
  out_.clear();
  sent_ = 0;
  if (sends) on_all_sent();
  if (finishing_ && unsent() == 0) stream.close_write();
}

void Flow::on_remote_close(net::Stream&) {
  on_end();
  finish();
}

void Flow::on_closed(net::Stream*, net::StreamEnd end) {
  stream_ = nullptr;
  on_gone(end);
  owner_.on_flow_ended(*this);
}

}  // namespace masu::peers
